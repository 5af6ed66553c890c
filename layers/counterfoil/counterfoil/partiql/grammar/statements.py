"""Whole statements: queries, changes and definitions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from counterfoil.partiql.grammar.expressions import TIGHTEST
from counterfoil.partiql.grammar.queries import Queries
from counterfoil.partiql.reserved_words import UNSUPPORTED
from counterfoil.partiql.syntax import (
    Change,
    CreateIndex,
    CreateTable,
    Delete,
    DropIndex,
    DropTable,
    Execute,
    Expression,
    Insert,
    InsertInto,
    Literal,
    Name,
    Path,
    Position,
    Query,
    Remove,
    SetField,
    Source,
    Statement,
    StructLiteral,
    UndropTable,
    Update,
)


class Statements(Queries):
    __slots__ = ()

    def statement(self) -> Statement:
        """A whole statement, to the end of the text; one semicolon may follow it."""
        read = _STATEMENTS.get(self.kind)
        statement = read(self) if read else self.bare_query()
        self.accept(";")
        self.finish()
        return statement

    def finish(self) -> None:
        if self.kind != "end":
            raise self.unexpected("the end of the statement")

    def bare_query(self) -> Query:
        at = self.at
        if self.kind == "end" or self.kind in UNSUPPORTED:
            raise self.unexpected("a statement")
        return Query(self.expression(), at)

    # ---- INSERT, UPDATE, DELETE

    def insert(self) -> Insert:
        at = self.expect("INSERT")
        self.expect("INTO")
        table = self.table_name()
        if self.accept("VALUE"):
            documents, many = self.expression(), False
        else:
            self.refuse_foreign_insert()
            documents = self.expression()
            many = not _is_struct(documents)
        self.refuse_conflict_clause()
        return Insert(table, documents, many, at)

    def refuse_foreign_insert(self) -> None:
        """The forms of SQL that are not here, by name."""
        after = self.kinds[self.index + 1 : self.index + 3]
        if self.kind == "SELECT" or (self.kind == "(" and after[0] == "SELECT"):
            raise self.unsupported("INSERT with a SELECT")
        if self.kind == "(" and after[0] in {"name", "quoted"} and after[1] in {",", ")"}:
            raise self.unsupported("INSERT with a list of columns")
        if self.kind == "DEFAULT":
            raise self.unsupported("DEFAULT VALUES")

    def refuse_conflict_clause(self) -> None:
        if self.kind == "ON":
            raise self.unsupported("ON CONFLICT")

    def update(self) -> Update:
        at = self.expect("UPDATE")
        source = self.table_source()
        changes = self.changes()
        return Update(source, changes, self.where(), at)

    def update_from(self) -> Update:
        """The form that begins with FROM: the condition comes before the changes."""
        at = self.expect("FROM")
        source = self.sources()
        where = self.where()
        return Update(source, self.changes(), where, at)

    def delete(self) -> Delete:
        at = self.expect("DELETE")
        self.expect("FROM")
        source = self.table_source()
        return Delete(source, self.where(), at)

    def table_source(self) -> Source:
        """The only table of a change."""
        at = self.at
        table = self.table_name()
        return Source(table, self.alias() or table.name, None, self.id_alias(), unpivot=False, at=at)

    def table_name(self) -> Name:
        at, quoted = self.at, self.kind == "quoted"
        return Name(self.name("a table's name"), quoted, local=False, at=at)

    def changes(self) -> tuple[Change, ...]:
        """SET, INSERT INTO and REMOVE in any number and order, at least one."""
        changes: list[Change] = []
        while True:
            if self.accept("SET"):
                changes.append(self.assignment())
                while self.accept(","):
                    changes.append(self.assignment())
            elif self.kind == "INSERT":
                changes.append(self.insertion())
            elif self.kind == "REMOVE":
                changes.append(self.removal())
            elif changes:
                return tuple(changes)
            else:
                raise self.unexpected("SET, INSERT INTO or REMOVE")

    def assignment(self) -> SetField:
        at = self.at
        target = self.target()
        if not self.accept("="):
            raise self.unexpected("'='")
        return SetField(target, self.expression(), at)

    def insertion(self) -> InsertInto:
        at = self.expect("INSERT")
        self.expect("INTO")
        target = self.target()
        self.expect("VALUE")
        value = self.expression()
        position = self.expression() if self.accept("AT") else None
        self.refuse_conflict_clause()
        return InsertInto(target, value, position, at)

    def removal(self) -> Remove:
        at = self.expect("REMOVE")
        return Remove(self.target(), at)

    def target(self) -> Expression:
        """What a change changes: a variable or a path from one."""
        at = self.at
        target = self.expression(TIGHTEST)
        root = target.root if isinstance(target, Path) else target
        if not isinstance(root, Name):
            raise self.refusal("expected a field or a variable to change", at)
        return target

    # ---- tables, indexes, procedures

    def create(self) -> CreateTable | CreateIndex:
        at = self.expect("CREATE")
        if self.accept("TABLE"):
            return self.create_table(at)
        if self.kind == "UNIQUE":
            raise self.unsupported("a UNIQUE index")
        if not self.accept("INDEX"):
            raise self.unexpected("TABLE or INDEX")
        self.expect("ON")
        table = self.name("a table's name")
        return CreateIndex(table, self.indexed_field(), at)

    def create_table(self, at: Position) -> CreateTable:
        table = self.name("a table's name")
        if self.kind == "(":
            raise self.unsupported("columns; a table holds documents of any shape")
        return CreateTable(table, self.tags(), at)

    def tags(self) -> Literal | None:
        """``WITH (aws_tags = `{…}`)``"""
        if not self.accept("WITH"):
            return None
        self.option("aws_tags")
        at = self.at
        tags = self.expression(TIGHTEST)
        if not isinstance(tags, Literal) or not isinstance(tags.value, dict):
            raise self.refusal("expected the tags as an Ion struct in backticks", at)
        self.close()
        return tags

    def indexed_field(self) -> str:
        if not self.accept("("):
            raise self.unexpected("'('")
        field = self.field_name()
        if self.kind == ",":
            raise self.unsupported("an index on several fields")
        if self.kind in {".", "["}:
            raise self.unsupported("an index on a nested field")
        self.close()
        return field

    def drop(self) -> DropTable | DropIndex:
        at = self.expect("DROP")
        if self.accept("TABLE"):
            return DropTable(self.name("a table's name"), at)
        if not self.accept("INDEX"):
            raise self.unexpected("TABLE or INDEX")
        index_id = self.name("an index's id in double quotes")
        self.expect("ON")
        table = self.name("a table's name")
        self.purge()
        return DropIndex(index_id, table, at)

    def purge(self) -> None:
        """``WITH (purge = true)`` must be there: dropping an index is for ever."""
        if not self.accept("WITH"):
            raise self.unexpected("WITH (purge = true)")
        self.option("purge")
        if not self.accept("TRUE"):
            raise self.unexpected("true")
        self.close()

    def option(self, name: str) -> None:
        """The beginning of ``(name = value)``; the names of options are compared exactly."""
        if not self.accept("("):
            raise self.unexpected("'('")
        if self.texts[self.index] != name:
            raise self.unexpected(name)
        self.advance()
        if not self.accept("="):
            raise self.unexpected("'='")

    def undrop(self) -> UndropTable:
        at = self.expect("UNDROP")
        self.expect("TABLE")
        return UndropTable(self.name("a table's id in double quotes"), at)

    def execute(self) -> Execute:
        at = self.expect("EXEC")
        procedure = self.name("a procedure's name").lower()
        arguments = []
        if self.kind not in {";", "end"}:
            arguments.append(self.expression())
            while self.accept(","):
                arguments.append(self.expression())
        return Execute(procedure, tuple(arguments), at)


def _is_struct(documents: Expression) -> bool:
    """Whether it is one document for certain, by the text alone."""
    return isinstance(documents, StructLiteral) or (
        isinstance(documents, Literal) and isinstance(documents.value, dict)
    )


_STATEMENTS: Final[dict[str, Callable[[Statements], Statement]]] = {
    "INSERT": Statements.insert,
    "UPDATE": Statements.update,
    "FROM": Statements.update_from,
    "DELETE": Statements.delete,
    "CREATE": Statements.create,
    "DROP": Statements.drop,
    "UNDROP": Statements.undrop,
    "EXEC": Statements.execute,
}
