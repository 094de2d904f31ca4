"""Finds the modules of a Rust crate, and which modules use which. Understands only as much of Rust as this needs.

Ignores tests: `#[cfg(test)]` items, and files that only tests include. Ignores entry points for fuzzing too.
"""

import os
import re


class Module:
    """One file of a crate: its module path (`("flight", "slot")`), and its text without comments, strings and tests."""

    def __init__(self, path, file, text):
        self.path, self.file = path, file
        self.lines = code_lines(text)
        self.text = without_tests(without_comments(text.replace('feature = "fuzzing"', "test")))
        self.names = imported_names(self.text)


def read(crate):
    """All modules of the crate in a folder, by module path. The root has the path ()."""
    root = next(file for name in ("lib.rs", "main.rs") if os.path.exists(file := os.path.join(crate, "src", name)))
    modules, waiting = {}, [((), root)]
    while waiting:
        path, file = waiting.pop()
        with open(file) as opened:
            module = modules[path] = Module(path, file, opened.read())
        folder = os.path.dirname(file) if not path or file.endswith("/mod.rs") else file.removesuffix(".rs")
        for name in re.findall(r"\bmod (\w+);", module.text):
            for child in (os.path.join(folder, f"{name}.rs"), os.path.join(folder, name, "mod.rs")):
                if os.path.exists(child):
                    waiting.append(((*path, name), child))
    return modules


def uses(modules):
    """Pairs of module paths: the first module names an item of the second, directly or through re-exports."""
    found = set()
    for module in modules.values():
        for path in paths(module.text):
            used = resolve(modules, module.path, path)
            if used is not None and used != module.path:
                found.add((module.path, used))
    return found


def levels(modules, found):
    """For each module with children, the uses between its children. Modules below a child count as the child."""
    graphs = {}
    for user, used in found:
        common = os.path.commonprefix([user, used])
        depth = len(common)
        if len(user) > depth and len(used) > depth:
            graphs.setdefault(tuple(common), set()).add((user[depth], used[depth]))
    return graphs


def cycles(edges):
    """Groups of names that use each other in a circle (Tarjan's strongly connected components of two or more)."""
    graph = {}
    for user, used in edges:
        graph.setdefault(user, set()).add(used)
        graph.setdefault(used, set())
    index, low, stack, found = {}, {}, [], []

    def visit(name):
        index[name] = low[name] = len(index)
        stack.append(name)
        for used in sorted(graph[name]):
            if used not in index:
                visit(used)
                low[name] = min(low[name], low[used])
            elif used in stack:
                low[name] = min(low[name], index[used])
        if low[name] == index[name]:
            at = stack.index(name)
            if len(stack) - at > 1:
                found.append(sorted(stack[at:]))
            del stack[at:]

    for name in sorted(graph):
        if name not in index:
            visit(name)
    return found


def resolve(modules, user, path):
    """The module that `path` in the module `user` leads to, or None if it leads out of the crate."""
    parts = list(path)
    if parts[0] == "crate":
        at, parts = (), parts[1:]
    else:
        at = user
        while parts and parts[0] in ("self", "super"):
            at, parts = (at[:-1] if parts[0] == "super" else at), parts[1:]
    seen = set()
    while parts:
        below = (*at, parts[0])
        if below in modules:
            at, parts = below, parts[1:]
            continue
        # If the module imports or re-exports the name, follows it to its origin.
        target = modules[at].names.get(parts[0]) if at in modules else None
        if target is None or (at, parts[0]) in seen:
            break
        seen.add((at, parts[0]))
        if target[0] not in ("crate", "self", "super"):
            if (*at, target[0]) not in modules:
                break
            target = ("self", *target)
        home = resolve(modules, at, target)
        return home if home is not None else at
    return at if at in modules else None


def imported_names(text):
    """The names that a module's `use` declarations import, with their paths."""
    names = {}
    for statement in re.findall(r"\buse ([^;]+);", text):
        for path, name in expand(statement):
            if name != "*":
                names[name] = path
    return names


def paths(text):
    """All paths into the crate in a text, in `use` declarations and elsewhere."""
    for statement in re.findall(r"\buse ([^;]+);", text):
        for path, _ in expand(statement):
            if path[0] in ("crate", "self", "super"):
                yield path
    rest = re.sub(r"\buse [^;]+;", "", text)
    for path in re.findall(r"(?<![\w$:])((?:crate|self|super)(?:::\w+)+)", rest):
        yield tuple(path.split("::"))


def expand(statement):
    """Expands `a::{b, c::d as e}` to [(("a", "b"), "b"), (("a", "c", "d"), "e")]."""
    statement = " ".join(statement.split())
    head, brace, rest = statement.partition("{")
    if not brace:
        path, _, alias = statement.partition(" as ")
        parts = tuple(part.strip() for part in path.split("::") if part.strip())
        if len(parts) > 1 and parts[-1] == "self":
            parts = parts[:-1]
        return [(parts, alias.strip() or parts[-1])] if parts else []
    found = []
    for item in split(rest.rsplit("}", 1)[0]):
        found += expand(head + item)
    return found


def split(items):
    """Splits at commas outside braces."""
    depth, start, found = 0, 0, []
    for at, char in enumerate(items):
        depth += {"{": 1, "}": -1}.get(char, 0)
        if char == "," and depth == 0:
            found.append(items[start:at])
            start = at + 1
    return [item.strip() for item in [*found, items[start:]] if item.strip()]


def without_comments(text):
    """The text with comments and the contents of strings blanked."""
    token = re.compile(
        r'//[^\n]*|/\*.*?\*/|b?r(#*)".*?"\1|b?"(?:\\.|[^"\\])*"|b?\'(?:\\.[^\']*|[^\'\\])\'', re.S)
    return token.sub(lambda match: re.sub(r"[^\n]", " ", match[0]) if match[0].startswith("/") else '""', text)


def without_tests(text):
    """The text without the items under `#[cfg(test)]` and similar attributes."""
    found = re.compile(r"#\[cfg\((?:all\()?(?:doc)?test\b[^\]]*\]\s*(?:#\[[^\]]*\]\s*)*")
    while match := found.search(text):
        end, depth = match.end(), 0
        while end < len(text):
            char = text[end]
            end += 1
            depth += {"{": 1, "}": -1}.get(char, 0)
            if depth == 0 and char in ";}":
                break
        text = text[: match.start()] + text[end:]
    return text


def code_lines(text):
    """The number of lines of a file, without its tests."""
    lines = text.splitlines()
    for at, line in enumerate(lines[:-1]):
        if re.match(r"#\[cfg\((all\()?test\b", line) and any("mod tests {" in next for next in lines[at + 1 : at + 3]):
            return at
    return len(lines)
