"""Alcove: a private AI chat on your own computer, with the licence beside it.

The map of the house. A module may import from the lines below its own, never from its own line or above; tests/test_map.py
reads this list and checks every import, so it cannot go stale.

    __main__
    ui cli
    support
    app terminal
    talking
    running
    suggestions estimates sending
    computer getting
    rights
    register receiving
    opening adopting bundle versions
    consent passing
    judging accuracy problems rulings comparison
    chat offers fetch headers search diagnosis editions
    targets room keeping cards
    hub library conversations engine transfer remote downloads
    connections
    catalogue
    fit
    changes
    plan
    need
    speed
    local
    shape part projector
    work
    layers
    acceptance repo
    trash elsewhere mirror texts policy
    hardware gguf licences network record digest settings logs
    graphics parts
    paths bounded picture spans keychain card clauses redaction locks
    replacing
    errors
    text address private

Foreign libraries with one home: PySide6 in ui, markdown_it in ui.markdown, llama_cpp in engine.llama (its part for
pictures in engine.pictures), huggingface_hub in hub, jinja2 in engine.template, fence and limits, sqlite3 in conversations,
pynvml in hardware.nvidia, httpx2 and httpcore2 in network, keyring in keychain, cryptography in editions, PIL in
picture, typer in cli, rich in terminal.
"""

__version__ = "0.1.0"
