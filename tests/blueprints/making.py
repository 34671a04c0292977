"""Random blueprints without a flaw, and ways to plant one: as the audit's codes name them."""

from collections.abc import Callable
from random import Random
from typing import Any

Data = dict[str, Any]
FAIL = {"fail": True}


def clean(rng: Random) -> Data:
    """Make a blueprint in which all is well."""
    maker = _Maker(rng)
    for number in range(rng.randint(2, 8)):
        maker.step(f"s{number}")
    return maker.finished()


class _Maker:
    def __init__(self, rng: Random) -> None:
        self.rng, self.conditions = rng, 0
        self.steps: Data = {}
        self.inputs: dict[str, str] = {}

    def step(self, name: str) -> None:
        rng = self.rng
        reads = rng.sample([*self.steps], min(len(self.steps), rng.randint(0, 3)))
        said = " ".join(self.reading(r) for r in reads) or self.input("text")
        step: Data = {"on_failure": FAIL, "takes": f"{rng.randint(1, 60)}s"}
        kind = rng.choice(["ask", "ask", "ask", "source", "give", "gate", "each", "effect"])
        if kind in ("ask", "each"):
            step |= {"ask": rng.choice(["writer", "analyst"]), "prompt": f"Do {name}: {said}"}
            if rng.random() < 0.6:
                step["gives"] = {
                    f"t_{name}": "text",
                    f"l_{name}": "list of text",
                    "score": "number",
                }
        if kind == "each":
            lists = [r for r in self.steps if "gives" in self.steps[r] and self._plain(r)]
            over = (
                f"steps.{lists[0]}.l_{lists[0]}"
                if lists
                else f"input.{self._input('list of text')}"
            )
            step |= {"for_each": f"{{{{ {over} }}}}", "at_once": rng.randint(1, 9)}
            step["prompt"] += " {{ item }}"
        elif kind == "ask" and rng.random() < 0.2:
            field = "score" if "gives" in step else "text"
            step["repeat"] = {"until": f"{{{{ last.{field} }}}}", "at_most": rng.randint(1, 5)}
        elif kind == "source":
            step |= {"source": "news", "with": {"terms": [said]}}
        elif kind == "give":
            step["give"] = {"all": [said]}
            step.pop("on_failure")
        elif kind == "gate":
            step["gate"] = {"question": f"Good? {said}", "people": ["ana"], "deadline": "2d"}
        elif kind == "effect":
            step |= {"effect": "mail", "with": {"text": said}, "uses": [f"box_{name}"]}
            step["undo"] = {"effect": "unsend", "with": {"id": f"{{{{ steps.{name}.reference }}}}"}}
        if rng.random() < 0.2 and self.conditions < 4 and kind != "gate":
            self.conditions += 1
            step["when"] = f"{{{{ {self.input('boolean')[3:-3]} }}}}"
        late = [s for s in self.steps if s not in reads and "undo" not in self.steps[s]]
        if kind in ("ask", "source") and late and rng.random() < 0.2:
            step |= {"soft": [late[0]], "soft_wait": "100d"}
            self.add(step, f" {{{{ steps.{late[0]} | default('') }}}}")
        self.steps[name] = step

    def add(self, step: Data, said: str) -> None:
        if "ask" in step:
            step["prompt"] += said
        else:
            step["with"]["terms"].append(said.strip())

    def input(self, kind: str) -> str:
        return f"{{{{ input.{self._input(kind)} }}}}"

    def _input(self, kind: str) -> str:
        name = f"in_{kind.replace(' ', '_')}_{self.rng.randint(0, 2)}"
        self.inputs[name] = kind
        return name

    def _plain(self, name: str) -> bool:
        return not {"when", "for_each"} & self.steps[name].keys()

    def reading(self, name: str) -> str:
        step = self.steps[name]
        path = f"steps.{name}"
        if "for_each" in step:
            path += " | default([]) | length" if "when" in step else " | length"
            return f"{{{{ {path} }}}}"
        if "gives" in step:
            path += self.rng.choice([f".t_{name}", ".score", f"['l_{name}'] | join"])
        elif "ask" in step:
            path += ".text"
        elif "give" in step:
            path += ".all"
        if "when" in step:
            left = path.split(" | ")[0]
            return f"{{% if steps.{name} %}}{{{{ {left} }}}}{{% endif %}}"
        return f"{{{{ {path} }}}}"

    def finished(self) -> Data:
        made: Data = {"name": "made", "input": self.inputs, "steps": self.steps}
        if self.rng.random() < 0.7:
            made["result"] = {name: f"{{{{ steps.{name} }}}}" for name in self.steps}
        if self.rng.random() < 0.5:
            made["limits"] = {"writer": {"at_once": 50}, "news": {"per_minute": 60}}
        return made


def ask(prompt: str, **more: object) -> Data:
    """Make a step that asks."""
    return {"ask": "writer", "prompt": prompt, "on_failure": FAIL, "takes": "5s", **more}


def free(name: str = "text") -> Data:
    """Make a step that waits for nothing."""
    return ask("Say something", gives={name: "text"})


def _with(made: Data, **steps: Data) -> Data:
    """Add steps at the end, each used by the result."""
    made["steps"].update(steps)
    if made.get("result"):
        made["result"].update({name: f"{{{{ steps.{name} }}}}" for name in steps})
    return made


def _change(made: Data, rng: Random, said: str) -> Data:
    """Put a bad expression into some template there is."""
    name = rng.choice([*made["steps"]])
    step = made["steps"][name]
    if "ask" in step:
        step["prompt"] += said
    elif "give" in step:
        step["give"]["all"].append(said)
    elif "gate" in step:
        step["gate"]["question"] += said
    else:
        step["with"]["more"] = said
    return made


def _explosion(made: Data, rng: Random) -> Data:
    made["input"] |= {f"c{n}": "boolean" for n in range(9)}
    steps = {f"x{n}": ask("Go", when=f"{{{{ input.c{n} }}}}") for n in range(9)}
    return _with(made, **steps)


def _unused(made: Data, rng: Random) -> Data:
    made["result"] = {name: f"{{{{ steps.{name} }}}}" for name in made["steps"]}
    made["steps"]["x1"] = free()
    return made


def _input(made: Data, rng: Random) -> Data:
    made["input"]["x1"] = "text"
    return made


def _limits(made: Data, rng: Random) -> Data:
    made.setdefault("limits", {})["painter"] = {"at_once": 2}
    return _with(
        made, **{f"x{n}": ask("Go") | {"ask": "painter"} for n in range(rng.randint(3, 6))}
    )


def _twice(made: Data, rng: Random) -> Data:
    x1 = ask("Build one", gives={"code": "text", "contract": "text"})
    x2 = ask("Build another", gives={"page": "text", "contract": "text"})
    x3 = ask("Fit {{ steps.x1.code }} {{ steps.x1.contract }} {{ steps.x2.contract }}")
    return _with(made, x1=x1, x2=x2, x3=x3)


def _conflict(made: Data, rng: Random) -> Data:
    if rng.random() < 0.3:
        each = ask("{{ item }}", for_each="{{ [1, 2, 3] }}", at_once=3, uses=["board"])
        return _with(made, x1=each)
    return _with(made, x1=ask("One", uses=["board"]), x2=ask("Two", uses=["board"]))


def _barrier(made: Data, rng: Random) -> Data:
    kind = rng.choice(["needs", "collected", "items"])
    if kind == "needs":
        return _with(made, x1=free(), x2=free("other"), x3=ask("Go", needs=["x1", "x2"]))
    if kind == "collected":
        both = {"give": {"a": "{{ steps.x1.text }}", "b": "{{ steps.x2.other }}"}}
        return _with(made, x1=free(), x2=free("other"), x3=both, x4=ask("On {{ steps.x3.a }}"))
    over = "{{ [1, 2, 3] }}"
    first = ask("{{ item }}", for_each=over, at_once=3)
    then = ask("{{ item.text }}", for_each="{{ steps.x1 }}", at_once=3)
    return _with(made, x1=first, x2=then)


def _missing(made: Data, rng: Random) -> Data:
    made["input"]["sure"] = "boolean"
    first = free() | rng.choice(
        [{"when": "{{ input.sure }}"}, {"on_failure": {"skip": True}}, {"optional": True}]
    )
    made["result"] = {**made.get("result", {}), "sure": "{{ input.sure }}"}
    made["result"] |= {name: f"{{{{ steps.{name} }}}}" for name in made["steps"]}
    return _with(made, x1=first, x2=ask("On {{ steps.x1.text }}"))


def _before(made: Data, rng: Random) -> Data:
    return _with(made, x1=ask("First", needs=["x2"]), x2=ask("On {{ steps.x1.text }}"))


def _cycle(made: Data, rng: Random) -> Data:
    length = rng.randint(1, 4)
    steps = {f"x{n}": ask(f"{{{{ steps.x{(n + 1) % length}.text }}}}") for n in range(length)}
    return _with(made, **steps)


def _field(made: Data, rng: Random) -> Data:
    gate = {"gate": {"question": "Good?", "people": ["ana"], "deadline": "1d"}}
    effect = {"effect": "mail", "on_failure": FAIL, "undo": {"effect": "unsend"}}
    give = {"give": {"a": 1}}
    first = rng.choice([free("a"), ask("A"), gate, effect, give])
    inside = rng.choice(["b", "b", "a.b" if first == free("a") else "b"])
    return _with(made, x1=first, x2=ask(f"On {{{{ steps.x1.{inside} }}}}"))


HOSTILE = [
    "{{ ''.__class__.__mro__ }}",
    "{{ range(1000000000) }}",
    "{{ 'x' * 1000000000 }}",
    "{{ cycler.__init__ }}",
    "{% set x = 1 %}",
    "{% include 'x' %}",
    "{{ broken",
]
ADDRESSES = [
    {"endpoint": "http://169.254.169.254/latest"},
    {"endpoint": "127.0.0.1"},
    {"endpoint": "crm", "path": "//10.0.0.1/"},
    {"endpoint": "crm", "path": "@10.0.0.1/"},
    {"endpoint": "crm", "path": "/{{ 'host' }}"},
]
PLANTED: dict[str, Callable[[Data, Random], Data]] = {
    "template": lambda m, r: _change(m, r, r.choice(HOSTILE)),
    "address": lambda m, r: _with(m, x1={"http": r.choice(ADDRESSES), "on_failure": FAIL}),
    "unknown-step": lambda m, r: _change(m, r, "{{ steps.nobody.text }}"),
    "unknown-input": lambda m, r: _change(m, r, "{{ input.nothing }}"),
    "unknown-field": _field,
    "no-item": lambda m, r: _with(m, x1=ask("{{ item.text }}")),
    "no-last": lambda m, r: _with(m, x1=ask("{{ last.text }}")),
    "not-a-list": lambda m, r: _with(
        m, x1=free(), x2=ask("{{ item }}", for_each="{{ steps.x1.text }}", at_once=2)
    ),
    "cycle": _cycle,
    "before-its-input": _before,
    "false-independence": lambda m, r: _with(
        m, x1=ask("One"), x2=ask("On {{ steps.x1.text }}", beside=["x1"])
    ),
    "endless": lambda m, r: _with(m, x1={"run": "made", "timeout": "1h"}),
    "never-in-time": lambda m, r: _with(
        m, x1=ask("Long", takes="1h"), x2=ask("{{ steps.x1 | default('') }}", soft=["x1"])
    ),
    "unused-result": _unused,
    "unused-input": _input,
    "false-order": lambda m, r: _with(m, x1=ask("A"), x2=ask("B"), x3=ask("C", needs=["x1"])),
    "order-by-habit": lambda m, r: _with(m, x1=ask("A"), x2=ask("B", needs=["x1"])),
    "needless-barrier": _barrier,
    "conflict": _conflict,
    "no-undo": lambda m, r: _with(
        m, x1={"effect": "pay", "on_failure": FAIL}, x2=ask("On {{ steps.x1.reference }}")
    ),
    "decided-twice": _twice,
    "unbounded": lambda m, r: _with(
        m, x1=ask("{{ item }}", for_each="{{ [1, 2] }}") | {"ask": "painter"}
    ),
    "idle-loop": lambda m, r: _with(
        m, x1=free(), x2=ask("A", repeat={"until": "{{ steps.x1.text }}", "at_most": 3})
    ),
    "missing-path": _missing,
    "path-explosion": _explosion,
    "no-way-out": lambda m, r: _with(
        m, x1={"ask": "writer", "prompt": "A"}, x2=ask("On {{ steps.x1.text }}")
    ),
    "too-many-branches": _limits,
}
