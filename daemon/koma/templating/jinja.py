"""Template text to graph text with Jinja, in a language made small on purpose.

What comes out of `{{ ... }}` is always one JSON value, and a template's own text may not open a JSON string around it, so no value can
add a key, a node or a link. Names, node kinds of the language, filters and tests are closed lists; loops and texts have limits.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from json import JSONEncoder
from json.encoder import encode_basestring_ascii
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, Undefined, nodes
from jinja2.runtime import LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.tests import TESTS

from koma.confined.worker import TooSlowError
from koma.core.hints import did_you_mean
from koma.core.problem import Place, Problem
from koma.templating.language import Mistake, check_language, names_of, verbatim_names
from koma.templating.limits import past_limit

OUTPUT_LIMIT = 1024 * 1024  # characters of one rendered graph
LOOP_LIMIT = 10_000  # turns of all loops in one rendering, nested ones counted each time
_KEPT = 64  # compiled templates

_slow_encode = JSONEncoder(allow_nan=False, separators=(",", ":")).encode


class _RefusedError(ValueError):
    """Something that a template may not do with the values it got; `str()` says what, `hint` what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def encode(value: Any) -> str:
    """Encode any value that a template puts out as JSON, with texts in quotes. Raises _RefusedError where JSON has no form for it."""
    kind = type(value)
    if kind is str:
        return encode_basestring_ascii(value)
    if kind is int or (kind is float and math.isfinite(value)):
        return repr(value)
    return _encode_other(value)


def _encode_other(value: Any) -> str:
    if isinstance(value, Undefined):
        raise _RefusedError(value._undefined_message)  # noqa: SLF001 - jinja's own words, which have no public name
    try:
        return _slow_encode(value)
    except (TypeError, ValueError) as error:
        raise _RefusedError(f"a value of type {type(value).__name__} can't be written as JSON: {error}") from None


class _Environment(ImmutableSandboxedEnvironment):
    """The sandbox, with attributes only of mappings and loops, and arithmetic within limits."""

    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%"})

    def __init__(self) -> None:
        super().__init__(undefined=StrictUndefined, finalize=encode, autoescape=False, cache_size=0)
        self.globals = {"range": _range}
        self.filters = {**_FILTERS, "turns": self.turns}
        self.tests = {name: TESTS[name] for name in _TESTS}
        self.left = LOOP_LIMIT

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Read a key of a mapping, or what a loop tells about itself."""
        if isinstance(obj, LoopContext) and attribute in _LOOP:
            return getattr(obj, attribute)
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Read a key of a mapping, or an item of a list by number."""
        if isinstance(obj, Mapping) and argument in obj:
            return obj[argument]
        if isinstance(obj, list | tuple) and type(argument) is int and -len(obj) <= argument < len(obj):
            return obj[argument]
        if isinstance(obj, Mapping):
            keys = [str(key) for key in obj]
            raise _RefusedError(
                f"there is no {argument!r}", did_you_mean(str(argument), keys) or f"there is {', '.join(keys) or 'nothing'}"
            )
        raise _RefusedError(f"{argument!r} can't be read from a value of type {type(obj).__name__}")

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:  # noqa: ARG002 - jinja passes it
        """Calculate with numbers; `+` also joins two texts or two lists."""
        if _is_number(left) and _is_number(right):
            return _finite(self.binop_table[operator](left, right))
        if operator == "+" and type(left) is type(right) and isinstance(left, str | list):
            if len(left) + len(right) > OUTPUT_LIMIT:
                raise _RefusedError(f"a text or list grew beyond {OUTPUT_LIMIT} items")
            return left + right
        raise _RefusedError(
            f"{type(left).__name__} {operator} {type(right).__name__} has no meaning here", "use `| string` or `| int` first"
        )

    def turns(self, items: Iterable[Any]) -> Iterator[Any]:
        """Hand out the items of a loop, as long as the rendering has turns left."""
        for item in items:
            self.left -= 1
            if self.left < 0:
                raise _RefusedError(f"the loops of one rendering take more than {LOOP_LIMIT} turns")
            yield item


def _is_number(value: Any) -> bool:
    return type(value) is int or type(value) is float


def _finite(value: float) -> float:
    if not -1e30 < value < 1e30:  # noqa: PLR2004 - far beyond any seed or size, far below what is slow to print
        raise _RefusedError("a number grew beyond 1e30")
    return value


def _range(*bounds: int) -> range:
    numbers = range(*bounds)
    if len(numbers) > LOOP_LIMIT:
        raise _RefusedError(f"range() gives more than {LOOP_LIMIT} numbers")
    return numbers


def _join(parts: Sequence[str], between: str = "") -> str:
    texts = [part for part in parts if isinstance(part, str)]
    if isinstance(parts, str) or len(texts) != len(parts) or not isinstance(between, str):
        raise _RefusedError("join takes a list of texts")
    if sum(map(len, texts)) + len(texts) * len(between) > OUTPUT_LIMIT:
        raise _RefusedError(f"a text grew beyond {OUTPUT_LIMIT} characters")
    return between.join(texts)


def _as_given(value: Any) -> Any:
    return value  # every value is put out as JSON anyway


_FILTERS: dict[str, Any] = {
    "abs": abs,
    "float": float,
    "int": int,
    "join": _join,
    "length": len,
    "lower": lambda text: str(text).lower(),
    "max": max,
    "min": min,
    "round": round,
    "string": str,
    "tojson": _as_given,
    "trim": lambda text: str(text).strip(),
    "upper": lambda text: str(text).upper(),
}
_TESTS = ("divisibleby", "eq", "even", "ge", "gt", "in", "le", "lt", "mapping", "ne", "none", "number", "odd", "sequence", "string")
_LOOP = frozenset({"index", "index0", "revindex", "revindex0", "first", "last", "length", "previtem", "nextitem"})


class _Compiled:
    """One template text, ready to render: the code, and each name it reads with the line of its first use."""

    __slots__ = ("names", "required", "template", "verbatim")

    def __init__(self, template: Template, names: Mapping[str, int], verbatim: frozenset[str]) -> None:
        self.template = template
        self.names = names
        self.verbatim = verbatim
        self.required = names.keys()


class JinjaRenderer:
    """Implements koma.ports.Renderer. `template` is the path of the graph file, as problems shall name it. Not for several threads."""

    def __init__(self) -> None:
        self._environment = _Environment()
        self._compiled: dict[str, _Compiled | Problem] = {}

    def render(self, template: str, text: str, batch: Sequence[Mapping[str, Any]]) -> list[str | Problem]:
        """Render one template text for each parameter set; where one fails, a Problem with the line. One set that fails holds no other."""
        compiled = self._compile(template, text)
        if isinstance(compiled, Problem):
            return [compiled] * len(batch)
        return [self._one(template, compiled, values) for values in batch]

    def verbatim(self, template: str, text: str) -> frozenset[str]:
        """Names that a template text puts straight into the graph and uses for nothing else; none if it can't be read."""
        compiled = self._compile(template, text)
        return frozenset() if isinstance(compiled, Problem) else compiled.verbatim

    def names(self, template: str, text: str) -> Mapping[str, int] | Problem:
        """Every name that a template text reads from its parameters, with the line where it first does."""
        compiled = self._compile(template, text)
        return compiled if isinstance(compiled, Problem) else compiled.names

    def _compile(self, file: str, text: str) -> _Compiled | Problem:
        found = self._compiled.get(text)
        if found is None or isinstance(found, Problem):  # a problem names the file, which may be another one with the same text
            if len(self._compiled) >= _KEPT:
                self._compiled.clear()
            found = self._compiled[text] = self._compile_new(file, text)
        return found

    def _compile_new(self, file: str, text: str) -> _Compiled | Problem:
        try:
            tree = self._environment.parse(text)
            check_language(tree)
            names = names_of(tree, {"range"})
            verbatim = verbatim_names(tree)
            return _Compiled(self._environment.from_string(_counted(tree)), names, verbatim)
        except Mistake as mistake:
            return Problem(Place(file, mistake.line), mistake.code, str(mistake), hint=mistake.hint)
        except TemplateSyntaxError as error:
            hint = "filters are " + ", ".join(sorted(_FILTERS)) if "filter" in str(error.message) else ""
            return Problem(Place(file, error.lineno), "template-syntax", f"the template can't be read: {error.message}", hint=hint)
        except (RecursionError, SyntaxError):  # of Python, which a template becomes
            return Problem(Place(file), "template-syntax", "the template is nested too deeply")
        except (MemoryError, TooSlowError) as error:
            return past_limit(Place(file), _limit(error))

    def line(self, template: str, text: str, within: int) -> int:
        """Line of a template text from which a line of its compiled code comes; 0 where it does not compile."""
        compiled = self._compile(template, text)
        return 0 if isinstance(compiled, Problem) else compiled.template.get_corresponding_lineno(within)

    def _one(self, file: str, compiled: _Compiled, values: Mapping[str, Any]) -> str | Problem:
        if not compiled.required <= values.keys():
            return _undefined(file, compiled, values)
        environment, template = self._environment, compiled.template
        environment.left = LOOP_LIMIT
        parts, size = [], 0
        try:
            for part in template.root_render_func(template.new_context(dict(values))):
                size += len(part)
                if size > OUTPUT_LIMIT:
                    return Problem(Place(file), "template-output", f"the rendered graph is longer than {OUTPUT_LIMIT} characters")
                parts.append(part)
        except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError, RecursionError) as error:
            return Problem(
                Place(file, _line(template, error)),
                "template-error",
                f"the template can't be rendered: {error}",
                hint=getattr(error, "hint", ""),
            )
        except (MemoryError, TooSlowError) as error:
            parts.clear()
            return past_limit(Place(file, _line(template, error)), _limit(error))
        return "".join(parts)


def _counted(tree: nodes.Template) -> nodes.Template:
    for loop in tree.find_all(nodes.For):
        loop.iter = nodes.Filter(loop.iter, "turns", [], [], None, None, lineno=loop.lineno, environment=tree.environment)
    return tree


def _undefined(file: str, compiled: _Compiled, values: Mapping[str, Any]) -> Problem:
    name = next(name for name in compiled.names if name not in values)
    hint = did_you_mean(name, values) or "declare it in template.yaml, or correct the name"
    known = "one of " + ", ".join(sorted(values))
    return Problem(
        Place(file, compiled.names[name]), "template-undefined", f"the template reads {name!r}, which nothing gives", known, hint
    )


def _line(template: Template, error: Exception) -> int:
    """Line of the template where an error arose, 0 where none tells."""
    line, trace = 0, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_globals.get("__jinja_template__") is template or trace.tb_frame.f_code.co_filename == "<template>":
            line = template.get_corresponding_lineno(trace.tb_lineno)
        trace = trace.tb_next
    return line


def _limit(error: Exception) -> str:
    return "it takes more memory than it may" if isinstance(error, MemoryError) else str(error)
