"""Conversations and their messages in one SQLite file: written before the engine is asked, deleted only from a trash."""

import shutil
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from desktop import private
from desktop.errors import AlcoveError, Corrupt, DiskFull, NotWritable
from desktop.replacing import no_room

SCHEMA = """
CREATE TABLE IF NOT EXISTS conversations (
    id INTEGER PRIMARY KEY, title TEXT NOT NULL, model TEXT NOT NULL,
    created TEXT NOT NULL, updated TEXT NOT NULL, deleted TEXT);
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY, conversation_id INTEGER NOT NULL REFERENCES conversations ON DELETE CASCADE,
    role TEXT NOT NULL CHECK (role IN ('user', 'assistant')), text TEXT NOT NULL, thinking TEXT NOT NULL DEFAULT '',
    model TEXT NOT NULL DEFAULT '', created TEXT NOT NULL, finish TEXT NOT NULL DEFAULT '', tokens_per_s REAL,
    replaced TEXT, tokens INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS pictures (
    message_id INTEGER NOT NULL REFERENCES messages ON DELETE CASCADE, place INTEGER NOT NULL, file BLOB NOT NULL,
    PRIMARY KEY (message_id, place));
CREATE INDEX IF NOT EXISTS messages_by_conversation ON messages (conversation_id, id);
CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5 (text, content='messages', content_rowid='id', 
    tokenize='unicode61 remove_diacritics 2');
CREATE TRIGGER IF NOT EXISTS messages_added AFTER INSERT ON messages BEGIN
    INSERT INTO words (rowid, text) VALUES (new.id, new.text); END;
CREATE TRIGGER IF NOT EXISTS messages_removed AFTER DELETE ON messages BEGIN
    INSERT INTO words (words, rowid, text) VALUES ('delete', old.id, old.text); END;
CREATE TRIGGER IF NOT EXISTS messages_changed AFTER UPDATE OF text ON messages BEGIN
    INSERT INTO words (words, rowid, text) VALUES ('delete', old.id, old.text);
    INSERT INTO words (rowid, text) VALUES (new.id, new.text); END;
CREATE TABLE IF NOT EXISTS marks (
    id INTEGER PRIMARY KEY, message_id INTEGER NOT NULL REFERENCES messages ON DELETE CASCADE, summary TEXT NOT NULL);
"""
VERSION = 2
UPGRADES = {1: "ALTER TABLE messages ADD COLUMN tokens INTEGER NOT NULL DEFAULT 0;"}  # from this version to the next
ROOM_BYTES = 10_000_000  # asked for when the disk is full


@dataclass(frozen=True)
class Conversation:
    """A row of the list at the left. Times are ISO 8601 in UTC."""

    id: int
    title: str
    model: str
    created: str
    updated: str
    messages: int


@dataclass(frozen=True)
class Stored:
    """One message as it was said. `finish` of an answer: stop, length, full, cancelled, crashed, or writing while it streams.

    `tokens` of the conversation memory were in use when the answer ended; 0 = not counted.
    """

    id: int
    conversation_id: int
    role: str
    text: str
    thinking: str
    model: str
    created: str
    finish: str
    tokens_per_s: float | None
    tokens: int = 0


@dataclass(frozen=True)
class Mark:
    """The model reads what follows this message, and of what came before only the summary; "" where that is forgotten."""

    id: int
    message_id: int
    summary: str


@dataclass(frozen=True)
class Hit:
    """A place where something was said: `snippet` with the words found between \\x02 and \\x03."""

    conversation: Conversation
    message_id: int
    snippet: str


class Conversations:
    """The store. Safe to use from several threads; each call is one transaction.

    Raises NotWritable and Corrupt when opened; what writes raises NotWritable and DiskFull, and has then changed nothing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        with suppress(OSError):  # which SQLite will tell
            private.touch(path)  # and the journal beside it gets the same rights
        try:
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA foreign_keys = ON")
            self._db.execute("PRAGMA secure_delete = ON")  # what is removed is overwritten
            if (version := self._db.execute("PRAGMA user_version").fetchone()[0]) > VERSION:
                raise Corrupt(path=str(path), why=f"it was written by a newer Alcove (format {version})")
            steps = "".join(sql for before, sql in UPGRADES.items() if 0 < version <= before)
            self._db.executescript(f"BEGIN IMMEDIATE; {SCHEMA} {steps} PRAGMA user_version = {VERSION}; COMMIT;")
            # An answer that was being written when the program ended is kept as far as it had come.
            self._db.execute("UPDATE messages SET finish = 'crashed' WHERE finish = 'writing'")
        except sqlite3.OperationalError as error:
            raise (no_room(path) if _code(error) == sqlite3.SQLITE_FULL else NotWritable(path=str(path))) from error
        except sqlite3.DatabaseError as error:
            raise Corrupt(path=str(path), why="it is no database that Alcove can read") from error

    def close(self) -> None:
        """Fold the journal into the file and let go of it."""
        with self._lock:
            self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                yield self._db
                self._db.execute("COMMIT")
            except sqlite3.OperationalError as error:
                if (stated := self._stated(error)) is not None:
                    raise stated from error
                raise
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")

    def _stated(self, error: sqlite3.OperationalError) -> AlcoveError | None:
        """The stated error for a disk that does not take what is written; None for a mistake in the SQL."""
        code = _code(error)
        if code == sqlite3.SQLITE_FULL:
            folder = self._path.parent
            return DiskFull(needed_bytes=ROOM_BYTES, free_bytes=shutil.disk_usage(folder).free, folder=str(folder))
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN):
            return NotWritable(path=str(self._path))
        return None

    def create(self, title: str, model: str) -> int:
        """A new conversation; returns its id."""
        with self._transaction() as db:
            now = _now()
            row = db.execute(
                "INSERT INTO conversations (title, model, created, updated) VALUES (?, ?, ?, ?)", (title, model, now, now)
            )
            return int(row.lastrowid or 0)

    def get(self, conversation_id: int) -> Conversation | None:
        """The conversation, also when it lies in the trash; None when it is gone."""
        rows = self._conversations("c.id = ?", (conversation_id,))
        return rows[0] if rows else None

    def list(self) -> tuple[Conversation, ...]:
        """All conversations but those in the trash, last used first."""
        return self._conversations("c.deleted IS NULL", ())

    def _conversations(self, where: str, values: tuple[object, ...]) -> tuple[Conversation, ...]:
        with self._lock:
            rows = self._db.execute(
                "SELECT c.id, c.title, c.model, c.created, c.updated, count(m.id) FROM conversations c"
                " LEFT JOIN messages m ON m.conversation_id = c.id AND m.replaced IS NULL"
                f" WHERE {where} GROUP BY c.id ORDER BY c.updated DESC, c.id DESC",
                values,
            ).fetchall()
        return tuple(Conversation(*row) for row in rows)

    def rename(self, conversation_id: int, title: str) -> None:
        """Give it another title."""
        with self._transaction() as db:
            db.execute("UPDATE conversations SET title = ? WHERE id = ?", (title, conversation_id))

    def use_model(self, conversation_id: int, model: str) -> None:
        """Remember which model the conversation goes on with."""
        with self._transaction() as db:
            db.execute("UPDATE conversations SET model = ? WHERE id = ?", (model, conversation_id))

    def delete(self, conversation_id: int) -> None:
        """Put it in the trash, from where `restore` takes it back."""
        with self._transaction() as db:
            db.execute("UPDATE conversations SET deleted = ? WHERE id = ?", (_now(), conversation_id))

    def restore(self, conversation_id: int) -> None:
        """Take it out of the trash."""
        with self._transaction() as db:
            db.execute("UPDATE conversations SET deleted = NULL WHERE id = ?", (conversation_id,))

    def empty_trash(self) -> int:
        """Remove for good what was deleted; returns how many conversations."""
        with self._transaction() as db:
            count = db.execute("DELETE FROM conversations WHERE deleted IS NOT NULL").rowcount
            if count:
                db.execute("INSERT INTO words (words) VALUES ('optimize')")  # else its words stay in the index for long
            return count

    def forget_before(self, day: datetime) -> tuple[int, ...]:
        """Remove for good what was last used before that, in the trash or not; returns the ids."""
        with self._transaction() as db:
            rows = db.execute(
                "DELETE FROM conversations WHERE updated < ? RETURNING id", (day.isoformat(timespec="microseconds"),)
            )
            gone = tuple(row[0] for row in rows.fetchall())
            if gone:
                db.execute("INSERT INTO words (words) VALUES ('optimize')")
            return gone

    def messages(self, conversation_id: int) -> tuple[Stored, ...]:
        """What was said, in order."""
        with self._lock:
            rows = self._db.execute(
                f"{SELECT_MESSAGES} WHERE conversation_id = ? AND replaced IS NULL ORDER BY id", (conversation_id,)
            ).fetchall()
        return tuple(Stored(*row) for row in rows)

    def message(self, message_id: int) -> Stored:
        """One message. Raises KeyError when it is gone."""
        with self._lock:
            row = self._db.execute(f"{SELECT_MESSAGES} WHERE id = ?", (message_id,)).fetchone()
        if row is None:
            raise KeyError(message_id)
        return Stored(*row)

    def pictures(self, conversation_id: int) -> dict[int, tuple[bytes, ...]]:
        """The pictures of all messages that have some, by the message's id, each the bytes of a file."""
        found: dict[int, tuple[bytes, ...]] = {}
        with self._lock:
            rows = self._db.execute(
                "SELECT p.message_id, p.file FROM pictures p JOIN messages m ON m.id = p.message_id"
                " WHERE m.conversation_id = ? AND m.replaced IS NULL ORDER BY p.message_id, p.place",
                (conversation_id,),
            ).fetchall()
        for message_id, file in rows:
            found[message_id] = (*found.get(message_id, ()), file)
        return found

    def add(
        self,
        conversation_id: int,
        role: str,
        text: str,
        *,
        model: str = "",
        finish: str = "",
        pictures: Sequence[bytes] = (),
    ) -> int:
        """Append a message and move the conversation to the top; returns the message's id."""
        with self._transaction() as db:
            now = _now()
            db.execute("UPDATE conversations SET updated = ? WHERE id = ?", (now, conversation_id))
            row = db.execute(
                "INSERT INTO messages (conversation_id, role, text, model, created, finish) VALUES (?, ?, ?, ?, ?, ?)",
                (conversation_id, role, text, model, now, finish),
            )
            message_id = int(row.lastrowid or 0)
            rows = [(message_id, place, file) for place, file in enumerate(pictures)]
            db.executemany("INSERT INTO pictures (message_id, place, file) VALUES (?, ?, ?)", rows)
            return message_id

    def write(
        self, message_id: int, text: str, thinking: str, finish: str, tokens_per_s: float | None = None, tokens: int = 0
    ) -> None:
        """Set what an answer says so far, and how it ended."""
        with self._transaction() as db:
            db.execute(
                "UPDATE messages SET text = ?, thinking = ?, finish = ?, tokens_per_s = ?, tokens = ? WHERE id = ?",
                (text, thinking, finish, tokens_per_s, tokens, message_id),
            )

    def replace_from(self, conversation_id: int, message_id: int) -> tuple[int, ...]:
        """Set a message and all after it aside, for another try; returns their ids, for `put_back`."""
        with self._transaction() as db:
            rows = db.execute(
                "UPDATE messages SET replaced = ? WHERE conversation_id = ? AND id >= ? AND replaced IS NULL RETURNING id",
                (_now(), conversation_id, message_id),
            ).fetchall()
        return tuple(row[0] for row in rows)

    def put_back(self, conversation_id: int, message_ids: tuple[int, ...]) -> None:
        """Undo `replace_from`: these messages again, and what came in their place set aside."""
        if message_ids:
            self.replace_from(conversation_id, min(message_ids))
            with self._transaction() as db:
                db.executemany("UPDATE messages SET replaced = NULL WHERE id = ?", [(i,) for i in message_ids])

    def set_mark(self, message_id: int, summary: str = "") -> Mark:
        """From now on the model reads what follows this message, and the summary of what came before. The person sees all."""
        with self._transaction() as db:
            row = db.execute("INSERT INTO marks (message_id, summary) VALUES (?, ?)", (message_id, summary))
            return Mark(int(row.lastrowid or 0), message_id, summary)

    def mark(self, conversation_id: int) -> Mark | None:
        """The last mark that holds; None where the model reads all. One below which a question was changed holds no more."""
        with self._lock:
            row = self._db.execute(
                "SELECT k.id, k.message_id, k.summary FROM marks k JOIN messages m ON m.id = k.message_id"
                " WHERE m.conversation_id = ? AND m.replaced IS NULL ORDER BY k.id DESC LIMIT 1",
                (conversation_id,),
            ).fetchone()
        return Mark(*row) if row else None

    def remove_mark(self, mark_id: int) -> None:
        """Undo `set_mark`: the mark before it holds again."""
        with self._transaction() as db:
            db.execute("DELETE FROM marks WHERE id = ?", (mark_id,))

    def tokens(self, conversation_id: int) -> int | None:
        """Of the conversation memory that were in use when it was last counted; None when it never was."""
        with self._lock:
            row = self._db.execute(
                "SELECT tokens FROM messages WHERE conversation_id = ? AND replaced IS NULL AND tokens > 0"
                " ORDER BY id DESC LIMIT 1",
                (conversation_id,),
            ).fetchone()
        return int(row[0]) if row else None

    def search(self, words: str, limit: int = 50) -> tuple[Hit, ...]:
        """Where these words (or beginnings of words) were said, best first and then newest first, one place per conversation."""
        query = " ".join(f'"{word}"*' for word in words.replace('"', " ").replace("\0", " ").split())
        if not query:
            return ()
        with self._lock:
            rows = self._db.execute(
                "SELECT m.conversation_id, m.id, snippet(words, 0, char(2), char(3), '…', 12) FROM words"
                " JOIN messages m ON m.id = words.rowid JOIN conversations c ON c.id = m.conversation_id"
                " WHERE words MATCH ? AND c.deleted IS NULL AND m.replaced IS NULL ORDER BY rank, m.id DESC LIMIT ?",
                (query, limit * 4),
            ).fetchall()
            titles = {c.id: c for c in self.list()}  # still under the lock, so that none is gone
        wanted = words.casefold().split()
        hits = {c.id: Hit(c, 0, "") for c in titles.values() if all(w in c.title.casefold() for w in wanted)}
        for conversation_id, message_id, snippet in rows:
            if conversation_id not in hits or not hits[conversation_id].message_id:
                hits[conversation_id] = Hit(titles[conversation_id], message_id, snippet)
        return tuple(hits.values())[:limit]


SELECT_MESSAGES = "SELECT id, conversation_id, role, text, thinking, model, created, finish, tokens_per_s, tokens FROM messages"


def _code(error: sqlite3.OperationalError) -> int:
    return error.sqlite_errorcode & 0xFF  # the rest says more than anyone needs


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
