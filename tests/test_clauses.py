"""Where a licence says what an answer cites: in the real text of Apache-2.0, and in the shapes that other makers use."""

import pytest

from desktop import clauses, licences

META = """LLAMA 3.1 COMMUNITY LICENSE AGREEMENT
"Agreement" means the terms and conditions set forth in 1.b herein.

1. License Rights and Redistribution.

  a. Grant of Rights. You are granted a licence.
  b. Redistribution and Use.
      i. If you distribute or make available the Llama Materials, show "Built with Llama".
      ii. If you receive Llama Materials from a Licensee, Section 2 will not apply.
2. Additional Commercial Terms. If the monthly active users exceed 700 million
5. Intellectual Property.
  a. No trademark licenses are granted.
  b. Subject to Meta's ownership of Llama Materials
"""
DECIMAL = """# Terms

## 2.1 Licence
(a) For research only.
(b) Nothing else.

**3.1** *Restrictions.* You shall not.

ATTACHMENT A
Use Restrictions
"""


@pytest.mark.parametrize(
    ("cited", "expected"),
    [
        ("1.b, 5.b", ("1.b", "5.b")),
        ("2, 4.a, Attachment A", ("2", "4.a", "Attachment A")),
        ("CC-BY-NC 1(i), addendum", ("1(i)",)),
        ("2.1, 3.2, definitions", ("2.1", "3.2")),
        ("1.b; 2; 2", ("1.b", "2")),
        ("sole paragraph", ()),
        (None, ()),
    ],
)
def test_a_citation_has_single_clauses(cited: str | None, expected: tuple[str, ...]) -> None:
    assert clauses.parts(cited) == expected


@pytest.mark.parametrize(
    ("text", "clause", "line"),
    [
        (META, "1.b", "b. Redistribution and Use."),
        (META, "1.b.i", 'i. If you distribute or make available the Llama Materials, show "Built with Llama".'),
        (META, "2", "2. Additional Commercial Terms. If the monthly active users exceed 700 million"),
        (META, "5.b", "b. Subject to Meta's ownership of Llama Materials"),
        (META, "2.z", "2. Additional Commercial Terms. If the monthly active users exceed 700 million"),
        (META, "9", None),
        (DECIMAL, "2.1(a)", "(a) For research only."),
        (DECIMAL, "2.1", "2.1 Licence"),
        (DECIMAL, "3.1", "3.1** *Restrictions.* You shall not."),
        (DECIMAL, "Attachment A", "ATTACHMENT A"),
    ],
)
def test_a_clause_is_found_at_its_line(text: str, clause: str, line: str | None) -> None:
    place = clauses.find(text, clause)
    assert (None if place is None else text[place:].partition("\n")[0].strip("#* ")) == line


def test_every_clause_that_is_cited_of_a_stored_text_is_found() -> None:
    stored = [licence for licence in licences.load().values() if licence.text_path is not None]
    for licence in stored:
        text = licence.text_path.read_text(encoding="utf-8")  # type: ignore[union-attr]
        for answer in (licence.commercial, licence.share, licence.outputs_for_training):
            for clause in clauses.parts(answer.clause):
                assert clauses.find(text, clause) is not None, (licence.id, clause)
    apache = next(licence for licence in stored if licence.id == "apache-2.0")
    text = apache.text_path.read_text(encoding="utf-8")  # type: ignore[union-attr]
    assert text[clauses.find(text, "4") :].startswith("4. Redistribution.")
    assert text[clauses.find(text, "4(d)") :].startswith("(d) If the Work includes")
