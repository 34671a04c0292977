"""Names: the words that mean less than others, and the ones that mean the same."""

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


TITLES = _words(
    """mr mrs ms miss dr prof professor sir dame lord lady rev hon president praesident minister
    general gen colonel col major captain capt lt lieutenant sheikh shaikh shaykh sheik haji hajji
    hadj al-hajj mullah molla mulla maulvi maulavi mawlawi mawlana maulana sayyid sayed seyed syed
    qari hafiz imam ayatollah ustad engineer eng phd jr sr junior senior don dona herr frau
    monsieur madame senor senora"""
)
"""Titles of persons; they say nothing about who it is."""

PARTICLES = _words("""al el ul ur ud ad as az ar an bin ibn ben bint van von vom zu der den
    dem de del della di da do dos das du des la le les los las ter ten te y e i af av zur zum
    oglu ogly uulu kyzy""")
"""Small words of persons' names that are often left out or written together."""

HALVES = _words("abd abdul abdel abdal abu abou umm")
"""Words of persons' names that are half of one: servant of, father of, mother of."""

JOINING = _words("and und et y e i & the of for in on to de des du di der die das la le")
"""Small words of companies' names."""

LEGAL_FORMS = tuple(
    sorted(
        (
            tuple(spelling.split())
            for line in (
                "public limited company|plc|private limited|company limited|limited|ltd|ltda",
                "pvt limited|pvt ltd|pte limited|pte ltd|pty limited|pty ltd|co limited|co ltd",
                "limited liability company|llc|fz llc|fzc|fze|dmcc|ooo|tov|too|doo|eood|ood|sia",
                "obshchestvo s ogranichennoy otvetstvennostyu",
                "obshchestvo s ogranichennoi otvetstvennostyu|fgup|sro|anonymi etaireia",
                "tovaristvo z obmezhenoyu vidpovidalnistyu|privatne aktsionerne tovaristvo",
                "gesellschaft mit beschraenkter haftung",
                "gmbh|mbh|ug|limitada|sarl|srl|sp z o o|spzoo|bv|s de r l|s de rl|osauhing|kft",
                "incorporated|inc|corporation|corp|company|co|cia|compania|companhia",
                "open joint stock company|public joint stock company|closed joint stock company",
                "private joint stock company|joint stock company|jsc|ojsc|pjsc|cjsc|oao|pao|zao|ao",
                "aktsionernoe obshchestvo|otkrytoe aktsionernoe obshchestvo",
                "zakrytoe aktsionernoe obshchestvo|nepublichnoe aktsionernoe obshchestvo",
                "publichnoe aktsionernoe obshchestvo|ag|aktiengesellschaft|aktiengeselschaft|se",
                "uab|sa|spa|nv|ab|asa|oyj|oy|as|a s|aps|kk|kabushiki kaisha|tbk|bhd|sdn bhd|pt|sas",
                "societe anonyme|sociedad anonima|sa de cv|s a de c v",
                "limited partnership|lp|llp|limited liability partnership|kg|gmbh co kg|ohg|gbr",
            )
            for spelling in line.split("|")
        ),
        key=lambda words: -len(words),
    )
)
"""Legal forms in folded words, the longest first. They are never compared: so they never can be
the only agreement.
"""

STAYS_IN_FRONT = _words("inc incorporated corp corporation company co")
"""Legal forms that are part of the name where they open it."""

VESSEL_MARKS = _words("mv mt ms ss")
"""What stands before the name of a ship."""

GENERIC = _words(
    """group gruppe groupe grupo holding holdings international intl global worldwide systems
    system solutions services service industries industrial industry enterprises enterprise
    trading trade trust bank banque banco banking finance financial capital fund funds investment
    investments insurance partners management development technology technologies tech engineering
    construction consulting import export energy oil gas petroleum steel metal mining shipping
    marine maritime airlines airways air transport logistics foundation organization organisation
    institute academy university government ministry department agency association society
    committee party council office general national state public united new first company factory
    plant works business commercial corporation networks media products manufacturing electronics
    pharma pharmaceutical medical health real estate properties property inversiones
    comercializadora distribuidora constructora agropecuaria ganadera"""
)
"""Words of trade that many companies share."""

SAME_WORD = {
    word: words.split()[0]
    for words in (
        "and und et",
        "center centre",
        "brothers bros",
        "group grp gruppe groupe grupo gruppa grupa",
        "international intl",
        "organization organisation org",
        "technology technologies tech",
        "bank banque banco",
        "general gen",
        "manufacturing mfg",
        "development dev",
        "university univ",
        "association assoc",
        "government govt",
        "department dept",
        "industry industries ind",
        "enterprise enterprises",
        "service services svc",
        "system systems",
        "investment investments investitsionnaya",
        "company companies comp kompaniya",
        "1 one first 1st",
        "2 two second 2nd",
        "3 three third 3rd",
        "4 four fourth 4th",
        "5 five fifth 5th",
        "6 six sixth 6th",
        "7 seven seventh 7th",
        "8 eight eighth 8th",
        "9 nine ninth 9th",
        "10 ten tenth 10th",
        "oil neftyanaya naftova",
        "gas gazovaya gazova",
        "trading torgovyy torgovaya",
        "house dom",
        "plant zavod",
        "construction stroitelnaya",
        "energy energeticheskaya",
        "shipping sudokhodnaya",
        "insurance strakhovaya",
        "industrial promyshlennaya",
        "national natsionalnaya natsionalnyy",
        "state gosudarstvennaya",
        "commercial kommercheskiy",
        "united obedinennaya",
        "corporation korporatsiya",
        "fund fond",
        "export eksport",
    )
    for word in words.split()
}
"""Abbreviations and number words of companies, each with the word it stands for; and words of
trade that Russian and Ukrainian names hold and lists translate, folded to Latin letters.
"""

ROMAN = {
    numeral: str(value)
    for value, numeral in enumerate(
        re.findall(r"\w+", "ii iii iv v vi vii viii ix x xi xii xiii xiv xv xvi xvii xviii xix xx"),
        start=2,
    )
}
"""Roman numerals, without the I that is a letter too."""

SAME_GIVEN = tuple(
    _words(names)
    for names in (
        "mohammed muhammad mohammad mohamed mohamad muhammed muhamed muhammet mehmet mohd",
        "ahmed ahmad ahmet",
        "yusuf yousef youssef yousuf joseph",
        "ibrahim ebrahim abraham brahim",
        "william bill billy will willy",
        "robert bob bobby rob",
        "richard dick rick ricky",
        "james jim jimmy jamie",
        "john jack johnny jon",
        "joseph joe joey jose",
        "michael mike mick mikhail",
        "thomas tom tommy",
        "charles charlie chuck",
        "edward ed eddie ted teddy",
        "elizabeth liz beth betty lizzie eliza",
        "margaret maggie peggy meg",
        "katherine catherine kate kathy katie cathy",
        "benjamin ben benny bibi binyamin",
        "anthony tony antonio",
        "andrew andy drew",
        "daniel dan danny",
        "david dave",
        "donald don donny",
        "steven stephen steve",
        "samuel sam sammy",
        "alexander alex sasha aleksandr aleksander",
        "nicholas nick nikolai nikolay",
        "vladimir volodya vova",
        "dmitry dmitri dima",
        "sergey sergei sergej serge",
        "joaquin chapo",
        "francisco paco pancho frank francis",
        "jeffrey geoffrey jeff geoff",
        "kenneth ken kenny",
        "matthew matt",
        "christopher chris",
        "patrick pat paddy",
        "peter pete pyotr petr",
        "gregory greg",
        "timothy tim",
        "lawrence larry",
        "susan sue suzanne",
        "rebecca becky",
        "deborah debbie deb",
        "jennifer jen jenny",
        "patricia pat patty trish",
    )
)
"""Given names that stand for each other: short forms, and the commonest spellings."""
