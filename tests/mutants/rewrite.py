"""Rewrites a C file so that each of its faults can be switched on at run time (see switch.h).

libclang gives the exact place of each expression. The faults of one file are compiled together:

    a < b             ({ ...  koc__mutant(17) ? a <= b : a < b; })
    check(x);         (koc__mutant(18) ? (void)0 : (void)(check(x)));
    KOC__TRY(f(x));   KOC__TRY(({ int rc = (f(x)); koc__mutant(19) ? 0 : rc; }));

Line numbers stay, since assertions and messages print them.
"""

import dataclasses
import os
import pathlib
import re

from clang import cindex
from clang.cindex import CursorKind as Kind
from clang.cindex import TypeKind

HERE = pathlib.Path(__file__).resolve().parent

FLIPS = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="}
SIGNS = {"+": "-", "-": "+"}
JOINS = {"&&": "||", "||": "&&"}

# Macros that are parsed as functions, so that libclang sees what their arguments are.
AS_FUNCTIONS = {"KOC__TRY": "int KOC__TRY(int);", "KOC__MIN": "long KOC__MIN(long, long);", "KOC__MAX": "long KOC__MAX(long, long);"}

# What has no code of its own, or must stay a constant.
NO_CODE = (Kind.CXX_UNARY_EXPR, Kind.ENUM_DECL, Kind.STRUCT_DECL, Kind.UNION_DECL, Kind.TYPEDEF_DECL, Kind.STATIC_ASSERT)
NUMBER = re.compile(r"(?:0[xX][0-9a-fA-F]+|[0-9]+)[uUlL]*")
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)


@dataclasses.dataclass
class Mutant:
    """One fault. `before` and `after` are source text, with single spaces."""

    file: str
    line: int
    function: str
    before: str
    after: str
    number: int = -1

    @property
    def key(self):
        return (self.file, self.function, self.before, self.after)

    @property
    def place(self):
        return f"{self.file}:{self.line}"

    def __str__(self):
        before, after = around(self.before, self.after)
        return f"{self.place} {self.function}: `{before}` -> `{after}`"


@dataclasses.dataclass
class Site:
    """A piece of text to replace: `write` gets the text of the parts, with the sites inside them
    rewritten already."""

    start: int
    end: int
    parts: list
    write: object
    mutants: list
    inside: list


def plain(text):
    return re.sub(r"\s+", " ", COMMENT.sub(" ", text)).strip()


def around(before, after, width=30):
    """Both texts, cut to what differs and `width` characters on each side."""
    start = len(os.path.commonprefix([before, after]))
    stop = len(os.path.commonprefix([before[start:][::-1], after[start:][::-1]]))
    left, right = max(0, start - width), max(0, stop - width)

    def cut(text):
        text = ("..." if left > 3 else text[:left]) + text[left : len(text) - right] + ("..." if right > 3 else text[len(text) - right :])
        return text if len(text) <= 120 else text[:56] + " ... " + text[-56:]

    return cut(before), cut(after)


class Rewriter:
    """The faults of one file. `name` is what reports call it; `skip` says which mutants not to make."""

    def __init__(self, name, text, arguments, path, unsaved=(), skip=lambda mutant: False):
        self.name, self.text, self.skip = name, text, skip
        self.function = ""
        unit = cindex.Index.create().parse(
            str(path),
            args=arguments,
            unsaved_files=[(str(path), function_macros(text).encode("latin-1")), *unsaved],
            options=cindex.TranslationUnit.PARSE_DETAILED_PROCESSING_RECORD,
        )
        self.problems = [d.spelling for d in unit.diagnostics if d.severity >= cindex.Diagnostic.Error]
        self.macros = {}
        tops = []
        for cursor in unit.cursor.get_children():
            if cursor.location.file is None or cursor.location.file.name != str(path):
                continue
            if cursor.kind == Kind.MACRO_INSTANTIATION:
                start, end = self.extent(cursor)
                self.macros[start] = max(end, self.macros.get(start, 0))
            elif cursor.kind == Kind.FUNCTION_DECL and cursor.is_definition():
                tops.append(cursor)
        self.sites = []
        for cursor in tops:
            self.function = cursor.spelling
            body = [child for child in cursor.get_children() if child.kind == Kind.COMPOUND_STMT]
            self.sites += self.within(body)
        self.sites.sort(key=lambda site: site.start)

    # --- what is where ---

    @staticmethod
    def extent(cursor):
        extent = cursor.extent
        return extent.start.offset, extent.end.offset

    def slice(self, span):
        return self.text[span[0] : span[1]]

    def from_macro(self, span):
        """Whether a macro, or a part of one, is all there is: its text is not the code."""
        return any(start <= span[0] and span[1] <= end for start, end in self.macros.items())

    def looks_called(self, cursor):
        """Whether it is a macro with a function's name and arguments, as curl_easy_setopt is."""
        start, end = self.extent(cursor)
        return self.macros.get(start) == end and re.match(r"[a-z]\w*\s*\(", self.text[start:end]) is not None

    def line(self, offset):
        return self.text.count("\n", 0, offset) + 1

    def mutant(self, span, before, after):
        made = Mutant(self.name, self.line(span[0]), self.function, plain(before), plain(after))
        return None if self.skip(made) else made

    # --- the walk ---

    def within(self, cursors):
        found = []
        for cursor in cursors:
            found += self.visit(cursor)
        found.sort(key=lambda site: site.start)
        return [site for at, site in enumerate(found) if at == 0 or site.start >= found[at - 1].end]

    def visit(self, cursor):
        """The sites at and below a cursor; those below are in the `inside` of the one above."""
        kind, span = cursor.kind, self.extent(cursor)
        if kind in NO_CODE or span[0] >= span[1] or self.from_macro(span):
            return []
        children = list(cursor.get_children())
        if kind == Kind.VAR_DECL:
            return self.visit_variable(cursor, children)
        if kind == Kind.CASE_STMT:
            return self.within_statements(children[1:])
        if kind == Kind.COMPOUND_LITERAL_EXPR:
            return self.within([child for child in children if child.kind == Kind.INIT_LIST_EXPR])
        if kind in (Kind.COMPOUND_STMT, Kind.DEFAULT_STMT):
            return self.within_statements(children)
        if kind == Kind.IF_STMT:
            return self.visit_if(children)
        if kind == Kind.CONDITIONAL_OPERATOR:
            return self.turn(children[0]) + self.within(children[1:])
        if kind == Kind.BINARY_OPERATOR and len(children) == 2:
            return self.visit_binary(cursor, span, children)
        if kind == Kind.INTEGER_LITERAL:
            return self.visit_number(span)
        if kind == Kind.INIT_LIST_EXPR and len(children) == 1 and self.slice(self.extent(children[0])) == "0":
            return []
        if kind == Kind.UNEXPOSED_EXPR and cursor.type.get_canonical().kind == TypeKind.POINTER:
            children = [child for child in children if child.kind != Kind.INTEGER_LITERAL]
        if kind == Kind.CALL_EXPR and cursor.spelling == "KOC__TRY":
            return self.visit_try(cursor, span)
        return self.within(children)

    def within_statements(self, children):
        found = []
        for child in children:
            called = child.kind in (Kind.CALL_EXPR, Kind.CSTYLE_CAST_EXPR) or self.looks_called(child)
            found += self.drop(child) if called else self.visit(child)
        return found

    def visit_variable(self, cursor, children):
        span = self.extent(cursor)
        equals = self.slice(span).find("=")
        if equals < 0 or cursor.storage_class == cindex.StorageClass.STATIC:
            return []
        return self.within([child for child in children if self.extent(child)[0] > span[0] + equals])

    # --- the faults ---

    def site(self, span, parts, write, mutants, inside):
        mutants = [mutant for mutant in mutants if mutant is not None]
        return [Site(*span, parts, write, mutants, inside)] if mutants else inside

    def drop(self, cursor):
        """A statement that is a call."""
        span = self.extent(cursor)
        if cursor.kind == Kind.CALL_EXPR and cursor.spelling == "KOC__TRY":
            return self.visit(cursor)
        if (self.from_macro(span) and not self.looks_called(cursor)) or "(" not in self.slice(span):
            return []
        mutant = self.mutant(span, self.slice(span) + ";", ";")
        return self.site(
            span,
            [span],
            lambda numbers, call: f"(koc__mutant({numbers[0]}) ? (void)0 : (void)({call}))",
            [mutant],
            self.within(cursor.get_children()),
        )

    def visit_try(self, cursor, span):
        """KOC__TRY(call): what the call says is ignored."""
        argument = list(cursor.get_arguments())[0]
        inner = self.extent(argument)
        mutant = self.mutant(span, self.slice(span) + ";", f"(void){self.slice(inner)};")
        return self.site(
            inner,
            [inner],
            lambda numbers, call: f"(__extension__({{ int koc__rc{numbers[0]} = ({call}); koc__mutant({numbers[0]}) ? 0 : koc__rc{numbers[0]}; }}))",
            [mutant],
            self.visit(argument),
        )

    def visit_if(self, children):
        """if (c) { ... return error; }: without the check. if (c) ... else ...: the other branch."""
        condition, rest = children[0], children[1:]
        found = self.within_statements(rest)
        span = self.extent(condition)
        if not self.leaves(rest[0]) or len(rest) > 1 or span[0] >= span[1]:
            return self.turn(condition) + found
        mutant = self.mutant(span, f"if ({self.slice(span)}) {self.slice(self.extent(rest[0]))}", "no check")
        return self.site(
            span,
            [span],
            lambda numbers, text: f"(!!({text}) & !koc__mutant({numbers[0]}))",
            [mutant],
            self.turn(condition),
        ) + found

    def leaves(self, statement):
        if statement.kind == Kind.COMPOUND_STMT:
            children = list(statement.get_children())
            return bool(children) and self.leaves(children[-1])
        return statement.kind in (Kind.RETURN_STMT, Kind.GOTO_STMT, Kind.BREAK_STMT, Kind.CONTINUE_STMT)

    def turn(self, condition):
        """A condition negated. Of == and != the flip does that already."""
        inside, span = self.visit(condition), self.extent(condition)
        if condition.kind == Kind.BINARY_OPERATOR and self.operator(list(condition.get_children())) in ("==", "!="):
            return inside
        if span[0] >= span[1]:
            return inside
        text = self.slice(span)
        mutant = self.mutant(span, f"if ({text})", f"if (!({text}))")
        return self.site(
            span, [span], lambda numbers, text: f"(koc__mutant({numbers[0]}) ^ !!({text}))", [mutant], inside
        )

    def operator(self, children):
        """The operator between two operands; None where the text between them says more than that."""
        if len(children) != 2:
            return None
        gap = self.text[self.extent(children[0])[1] : self.extent(children[1])[0]]
        return None if "#" in gap else plain(gap)

    def visit_binary(self, cursor, span, children):
        operator = self.operator(children)
        # Another number beside == is the same fault as != to all tests but one in a thousand.
        equal = operator in ("==", "!=")
        inside = self.within([c for c in children if not (equal and c.kind == Kind.INTEGER_LITERAL)])
        left, right = map(self.extent, children)
        changed = FLIPS.get(operator) or SIGNS.get(operator) or JOINS.get(operator)
        if changed is None or left[0] != span[0] or right[1] != span[1]:
            return inside
        types = [child.type.get_canonical().kind for child in children]
        pointers = [kind in (TypeKind.POINTER, TypeKind.CONSTANTARRAY, TypeKind.INCOMPLETEARRAY) for kind in types]
        if operator in SIGNS and pointers[1]:
            return inside
        lines = "\n" * self.slice((left[1], right[0])).count("\n")
        mutant = self.mutant(span, self.slice(span), f"{self.slice(left)} {changed} {self.slice(right)}")
        # A bit-field has no type of its own for __auto_type; a unary plus gives it one.
        signs = ["" if pointer else "+" for pointer in pointers]

        def write(numbers, a, b):
            on = f"koc__mutant({numbers[0]})"
            if equal:
                return f"(({a} {operator}{lines} {b}) ^ {on})"
            if operator in JOINS:  # a || b is !(!a && !b)
                return f"({on} ^ (({on} ^ !!({a})) {operator}{lines} ({on} ^ !!({b}))))"
            l, r = f"koc__l{numbers[0]}", f"koc__r{numbers[0]}"
            return (
                f"(__extension__({{ __auto_type {l} = {signs[0]}({a}); __auto_type {r} ={lines} {signs[1]}({b}); "
                f"{on} ? {l} {changed} {r} : {l} {operator} {r}; }}))"
            )

        return self.site(span, [left, right], write, [mutant], inside)

    def visit_number(self, span):
        """0 becomes 1, 1 becomes 0, and any other n becomes n + 1."""
        text = self.slice(span)
        before, after = self.text[: span[0]].rstrip(), self.text[span[1] :].lstrip()
        if not NUMBER.fullmatch(text) or (before.endswith("[") and re.match(r"\]\s*=[^=]", after)):
            return []
        change = "-" if text == "1" else "+"
        new = {"0": "1", "1": "0"}.get(text) or (str(int(text) + 1) if re.fullmatch("[1-9][0-9]*", text) else f"({text} + 1)")
        row = self.text[self.text.rfind("\n", 0, span[0]) + 1 : (self.text + "\n").find("\n", span[1])]
        column = span[0] - self.text.rfind("\n", 0, span[0]) - 1
        changed = row[:column] + new + row[column + len(text) :]
        mutant = self.mutant(span, row, changed)
        return self.site(
            span, [span], lambda numbers, text: f"({text} {change} koc__mutant({numbers[0]}))", [mutant], []
        )

    # --- the result ---

    def mutants(self):
        found = []

        def walk(sites):
            for site in sites:
                found.extend(site.mutants)
                walk(site.inside)

        walk(self.sites)
        return sorted(found, key=lambda mutant: mutant.line)

    def render(self, span, sites):
        out, at = [], span[0]
        for site in sites:
            out.append(self.text[at : site.start])
            parts = [
                self.render(part, [s for s in site.inside if part[0] <= s.start and s.end <= part[1]]) for part in site.parts
            ]
            out.append(site.write([mutant.number for mutant in site.mutants], *parts))
            at = site.end
        return "".join(out) + self.text[at : span[1]]

    def rewritten(self):
        if not self.sites:
            return self.text
        # Before the headers, since core/banned.h forbids getenv; after the macros that choose what they declare.
        first = re.search(r"^#\s*(?:include|if)", self.text, re.MULTILINE)
        at = first.start() if first else 0
        # core/common.h does so too, but after the headers of the switch; without it memmem would return an int.
        features = "#define _GNU_SOURCE 1\n" if '"core/common.h"' in self.text else ""
        switch = features + f'#include "{HERE / "switch.h"}"\n#line {self.line(at)} "{self.name}"\n'
        return self.text[:at] + switch + self.render((at, len(self.text)), self.sites)


def parse_arguments(command):
    """Of a compiler's command line, what says how the file reads."""
    kept, words = [], iter(command)
    for word in words:
        if word in ("-I", "-isystem", "-D", "-include"):
            kept += [word, next(words)]
        elif word.startswith(("-I", "-D", "-std=", "-U")):
            kept.append(word)
    return kept


def function_macros(text):
    """The text with the macros of AS_FUNCTIONS as functions; all else stays where it is."""
    for name, declaration in AS_FUNCTIONS.items():
        macro = re.compile(rf"^#define {name}\((?:[^\n]*\\\n)*[^\n]*$", re.MULTILINE)
        text = macro.sub(lambda found: declaration.ljust(len(found[0])), text)
    return text
