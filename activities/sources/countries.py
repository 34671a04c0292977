"""Names of countries as registers write them, and their two letters. Only what may be meant
without doubt: an unknown name gives nothing, never a guess.
"""

from collections.abc import Mapping

BRITISH = "GB"

_NAMES: Mapping[str, str] = {
    "GB": "united kingdom|england|wales|england and wales|england & wales|scotland|uk|britain"
    "|northern ireland|great britain|england, united kingdom|england/wales|united kingdom (uk)",
    "AE": "united arab emirates|uae",
    "AU": "australia",
    "BE": "belgium",
    "BM": "bermuda",
    "BR": "brazil",
    "CA": "canada",
    "CH": "switzerland",
    "CN": "china|people's republic of china",
    "CY": "cyprus",
    "DE": "germany",
    "DK": "denmark",
    "ES": "spain",
    "FR": "france",
    "GG": "guernsey",
    "GI": "gibraltar",
    "HK": "hong kong",
    "IE": "ireland|republic of ireland",
    "IM": "isle of man",
    "IN": "india",
    "IR": "iran|iran, islamic republic of",
    "IT": "italy",
    "JE": "jersey",
    "JP": "japan",
    "KY": "cayman islands",
    "LI": "liechtenstein",
    "LU": "luxembourg",
    "MC": "monaco",
    "MT": "malta",
    "NL": "netherlands|the netherlands",
    "NO": "norway",
    "NZ": "new zealand",
    "PA": "panama",
    "RU": "russia|russian federation",
    "SE": "sweden",
    "SG": "singapore",
    "US": "united states|united states of america|usa|u.s.a.",
    "VG": "virgin islands, british|british virgin islands|bvi",
    "ZA": "south africa",
}
_LETTERS = {name: code for code, names in _NAMES.items() for name in names.split("|")}


def country_of(name: object) -> str:
    """Give the two letters of a country's name; empty for none and for a name not known here."""
    return _LETTERS.get(str(name or "").strip().casefold(), "")
