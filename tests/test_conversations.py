import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop.conversations import Conversations
from desktop.errors import Corrupt, DiskFull, NoRoomLeft, NotWritable


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Conversations]:
    conversations = Conversations(tmp_path / "c.sqlite")
    yield conversations
    conversations.close()


def test_what_was_said_is_there_after_a_restart(tmp_path: Path) -> None:
    first = Conversations(tmp_path / "c.sqlite")
    conversation = first.create("Holiday letter", "guide")
    first.add(conversation, "user", "Make it shorter")
    answer = first.add(conversation, "assistant", "", model="guide", finish="writing")
    first.write(answer, "Dear all", "let me see", "stop", 9.5)
    first.close()
    second = Conversations(tmp_path / "c.sqlite")
    said = [(m.role, m.text, m.thinking, m.finish, m.tokens_per_s) for m in second.messages(conversation)]
    assert said == [("user", "Make it shorter", "", "", None), ("assistant", "Dear all", "let me see", "stop", 9.5)]
    assert [(c.title, c.messages) for c in second.list()] == [("Holiday letter", 2)]
    second.close()


def test_an_answer_cut_off_by_a_crash_of_the_program_is_kept_and_marked(tmp_path: Path) -> None:
    first = Conversations(tmp_path / "c.sqlite")
    conversation = first.create("t", "guide")
    answer = first.add(conversation, "assistant", "", finish="writing")
    first.write(answer, "half of it", "", "writing")
    second = Conversations(tmp_path / "c.sqlite")  # the first was never closed, as after kill -9
    assert [(m.text, m.finish) for m in second.messages(conversation)] == [("half of it", "crashed")]
    first.close()
    second.close()


def test_the_last_used_is_first(store: Conversations) -> None:
    a, b = store.create("a", ""), store.create("b", "")
    store.add(a, "user", "again")
    assert [c.id for c in store.list()] == [a, b]


def test_delete_goes_to_the_trash_and_back(store: Conversations) -> None:
    conversation = store.create("a", "")
    store.add(conversation, "user", "precious words")
    store.delete(conversation)
    assert store.list() == ()
    assert store.search("precious") == ()
    store.restore(conversation)
    assert [c.id for c in store.list()] == [conversation]
    assert len(store.messages(conversation)) == 1
    store.delete(conversation)
    assert store.empty_trash() == 1
    assert store.get(conversation) is None
    assert store.messages(conversation) == ()


def test_what_leaves_the_trash_leaves_the_file(tmp_path: Path) -> None:
    store = Conversations(tmp_path / "c.sqlite")
    conversation = store.create("a", "")
    for number in range(50):
        store.add(conversation, "user", f"precious {number}")
    store.delete(conversation)
    store.empty_trash()
    store.close()
    assert b"precious" not in (tmp_path / "c.sqlite").read_bytes()


def test_a_disk_that_is_full_at_the_start_is_called_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connect = sqlite3.connect

    def connected(path: Path, **how: bool | None) -> sqlite3.Connection:
        db: sqlite3.Connection = connect(path, **how)  # type: ignore[call-overload]
        db.execute("PRAGMA max_page_count = 1")  # SQLite then answers as on a full disk
        return db

    monkeypatch.setattr(sqlite3, "connect", connected)
    with pytest.raises(NoRoomLeft, match=r"the disk is full: .* are free in .*\. Remove something"):
        Conversations(tmp_path / "c.sqlite")


def test_a_full_disk_is_told_and_what_was_there_stays(store: Conversations) -> None:
    conversation = store.create("a", "")
    store.add(conversation, "user", "hello")
    store._db.execute("PRAGMA max_page_count = 1")  # SQLite then answers as on a full disk
    with pytest.raises(DiskFull):
        store.add(conversation, "user", "word " * 100_000)
    store._db.execute("PRAGMA max_page_count = 100000")
    store.add(conversation, "user", "again")
    assert [m.text for m in store.messages(conversation)] == ["hello", "again"]


def test_a_store_that_can_no_longer_be_written(store: Conversations) -> None:
    store._db.execute("PRAGMA query_only = ON")
    with pytest.raises(NotWritable):
        store.create("a", "")


def test_another_try_sets_the_old_one_aside_and_undo_brings_it_back(store: Conversations) -> None:
    conversation = store.create("a", "")
    store.add(conversation, "user", "question")
    first = store.add(conversation, "assistant", "first answer")
    gone = store.replace_from(conversation, first)
    store.add(conversation, "assistant", "second answer")
    assert [m.text for m in store.messages(conversation)] == ["question", "second answer"]
    assert store.search("first") == ()
    store.put_back(conversation, gone)
    assert [m.text for m in store.messages(conversation)] == ["question", "first answer"]


def test_search_finds_beginnings_of_words_and_titles(store: Conversations) -> None:
    letter, invoice = store.create("Holiday letter", ""), store.create("Invoice", "")
    store.add(letter, "user", "We are closing over Christmas, naïve readers")
    store.add(invoice, "user", "Please pay by Friday")
    assert [h.conversation.id for h in store.search("clos christ")] == [letter]
    assert "\x02closing\x03" in store.search("closing")[0].snippet
    assert [h.conversation.id for h in store.search("naive")] == [letter]
    assert [h.conversation.id for h in store.search("invoice")] == [invoice]
    again = store.create("Another", "")
    store.add(again, "user", "Please pay by Friday")
    assert [h.conversation.id for h in store.search("friday")] == [again, invoice]
    assert store.search('"*( OR') == ()
    assert store.search("  ") == ()
    assert [h.conversation.id for h in store.search("in\0voice")] == []


def test_search_follows_changes(store: Conversations) -> None:
    conversation = store.create("a", "")
    message = store.add(conversation, "assistant", "apples")
    store.write(message, "pears", "", "stop")
    assert store.search("apples") == ()
    assert len(store.search("pears")) == 1


def test_several_threads_may_write(store: Conversations) -> None:
    conversation = store.create("a", "")

    def say() -> None:
        for i in range(20):
            store.add(conversation, "user", str(i))

    threads = [threading.Thread(target=say) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.messages(conversation)) == 80


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    path.write_bytes(b"not a database, but somebody's file" * 40)
    with pytest.raises(Corrupt):
        Conversations(path)
    assert path.read_bytes().startswith(b"not a database")


def test_a_newer_format_is_refused_not_damaged(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(Corrupt, match="newer"):
        Conversations(path)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotWritable):
        Conversations(tmp_path / "nowhere" / "c.sqlite")


def test_pictures_are_kept_with_their_message_and_go_with_it(tmp_path: Path) -> None:
    store = Conversations(tmp_path / "c.sqlite")
    conversation, other = store.create("a", ""), store.create("b", "")
    question = store.add(conversation, "user", "Which?", pictures=(b"first secret picture", b"second"))
    store.add(conversation, "assistant", "This one")
    store.add(other, "user", "No picture")
    store.close()
    store = Conversations(tmp_path / "c.sqlite")
    assert store.pictures(conversation) == {question: (b"first secret picture", b"second")}
    assert store.pictures(other) == {}
    replaced = store.replace_from(conversation, question)
    assert store.pictures(conversation) == {}
    store.put_back(conversation, replaced)
    assert len(store.pictures(conversation)[question]) == 2
    store.delete(conversation)
    assert store.empty_trash() == 1
    store.close()
    assert b"secret picture" not in (tmp_path / "c.sqlite").read_bytes()
    assert not (tmp_path / "c.sqlite-wal").exists()


def test_a_store_of_before_there_were_pictures_takes_some(tmp_path: Path) -> None:
    store = Conversations(tmp_path / "c.sqlite")
    conversation = store.create("a", "")
    store.close()
    with sqlite3.connect(tmp_path / "c.sqlite") as db:
        db.execute("DROP TABLE pictures")
    store = Conversations(tmp_path / "c.sqlite")
    question = store.add(conversation, "user", "", pictures=(b"x",))
    assert store.pictures(conversation) == {question: (b"x",)}
    store.close()


# --- what the model still reads -----------------------------------------------------------------------------------------------


def talk(store: Conversations, *texts: str) -> tuple[int, list[int]]:
    conversation = store.create("a", "")
    return conversation, [store.add(conversation, ("user", "assistant")[n % 2], text) for n, text in enumerate(texts)]


def test_a_mark_leaves_everything_to_be_seen_and_can_be_taken_back(store: Conversations) -> None:
    conversation, said = talk(store, "apples", "red", "pears", "green")
    other, _ = talk(store, "plums")
    assert store.mark(conversation) is None
    first = store.set_mark(said[1], "Apples are red.")
    second = store.set_mark(said[3])
    assert (store.mark(conversation), store.mark(other)) == (second, None)
    assert (second.message_id, second.summary) == (said[3], "")
    assert len(store.messages(conversation)) == 4
    assert [hit.message_id for hit in store.search("apples")] == [said[0]]
    store.remove_mark(second.id)
    assert store.mark(conversation) == first
    store.remove_mark(first.id)
    assert store.mark(conversation) is None


def test_a_mark_holds_only_as_long_as_what_it_sums_up(store: Conversations) -> None:
    conversation, said = talk(store, "apples", "red", "pears", "green", "plums", "blue")
    earlier, later = store.set_mark(said[1], "Apples."), store.set_mark(said[3], "Apples and pears.")
    gone = store.replace_from(conversation, said[4])  # only what follows the mark
    assert store.mark(conversation) == later
    store.put_back(conversation, gone)
    gone = store.replace_from(conversation, said[2])
    assert store.mark(conversation) == earlier
    store.put_back(conversation, gone)
    assert store.mark(conversation) == later


def test_a_summary_goes_with_its_conversation(tmp_path: Path) -> None:
    store = Conversations(tmp_path / "c.sqlite")
    conversation, said = talk(store, "apples", "red")
    store.set_mark(said[1], "precious summary")
    store.delete(conversation)
    store.empty_trash()
    store.close()
    assert b"precious" not in (tmp_path / "c.sqlite").read_bytes()


def test_how_full_the_memory_was_is_kept(store: Conversations) -> None:
    conversation, said = talk(store, "apples", "red", "pears", "green")
    assert store.tokens(conversation) is None
    store.write(said[1], "red", "", "stop", 9.0, 120)
    store.write(said[3], "green", "", "cancelled")
    assert store.tokens(conversation) == 120
    assert store.message(said[1]).tokens == 120
    store.replace_from(conversation, said[0])
    assert store.tokens(conversation) is None


FIRST_FORMAT = """
CREATE TABLE conversations (
    id INTEGER PRIMARY KEY, title TEXT NOT NULL, model TEXT NOT NULL,
    created TEXT NOT NULL, updated TEXT NOT NULL, deleted TEXT);
CREATE TABLE messages (
    id INTEGER PRIMARY KEY, conversation_id INTEGER NOT NULL REFERENCES conversations ON DELETE CASCADE,
    role TEXT NOT NULL CHECK (role IN ('user', 'assistant')), text TEXT NOT NULL, thinking TEXT NOT NULL DEFAULT '',
    model TEXT NOT NULL DEFAULT '', created TEXT NOT NULL, finish TEXT NOT NULL DEFAULT '', tokens_per_s REAL,
    replaced TEXT);
CREATE INDEX messages_by_conversation ON messages (conversation_id, id);
CREATE VIRTUAL TABLE words USING fts5 (text, content='messages', content_rowid='id',
    tokenize='unicode61 remove_diacritics 2');
CREATE TRIGGER messages_added AFTER INSERT ON messages BEGIN
    INSERT INTO words (rowid, text) VALUES (new.id, new.text); END;
CREATE TRIGGER messages_removed AFTER DELETE ON messages BEGIN
    INSERT INTO words (words, rowid, text) VALUES ('delete', old.id, old.text); END;
CREATE TRIGGER messages_changed AFTER UPDATE OF text ON messages BEGIN
    INSERT INTO words (words, rowid, text) VALUES ('delete', old.id, old.text);
    INSERT INTO words (rowid, text) VALUES (new.id, new.text); END;
INSERT INTO conversations VALUES (1, 'Fruit', 'guide', '2026-01-01', '2026-01-01', NULL);
INSERT INTO messages VALUES (1, 1, 'user', 'apples', '', '', '2026-01-01', '', NULL, NULL);
INSERT INTO messages VALUES (2, 1, 'assistant', 'red', 'hm', 'guide', '2026-01-01', 'stop', 9.5, NULL);
PRAGMA user_version = 1;
"""


def test_a_file_of_the_first_format_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    db = sqlite3.connect(path)
    db.executescript(FIRST_FORMAT)
    db.close()
    for _ in range(2):  # the second time it is of today's format
        store = Conversations(path)
        said = [(m.role, m.text, m.thinking, m.tokens_per_s, m.tokens) for m in store.messages(1)]
        assert said == [("user", "apples", "", None, 0), ("assistant", "red", "hm", 9.5, 0)]
        assert [hit.message_id for hit in store.search("apples")] == [1]
        store.close()
    store = Conversations(path)
    store.write(2, "red", "hm", "stop", 9.5, 44)
    mark = store.set_mark(2, "Apples are red.")
    assert (store.tokens(1), store.mark(1)) == (44, mark)
    store.close()
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA user_version").fetchone() == (2,)
    db.close()
