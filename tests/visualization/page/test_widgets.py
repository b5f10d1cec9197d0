"""The widgets that the pages share, in a real browser: the question in place, the form from declared fields, the dialog."""

from __future__ import annotations

import pytest

from gcg_quant.visualization.server import AppServer

from .watched import Open

pytestmark = pytest.mark.browser

HOST = "Object.assign(document.body.appendChild(document.createElement('div')), { style: 'position: fixed; inset: 0; z-index: 99' })"
FIELDS = """[
    {name: 'fast', type: 'int', default: 10, low: 1, high: 100, help: 'bars of the fast average'},
    {name: 'share', type: 'float', default: 0.5, low: 0},
    {name: 'short', type: 'bool', default: true},
    {name: 'way', type: 'choice', choices: [1, 2.5], default: 2.5},
    {name: 'day', type: 'date', default: '2026-01-31', optional: true},
    {name: 'note', type: 'str', default: 'a'},
    {name: 'must', type: 'str', default: '', needed: true},
    {name: 'own', type: 'int', default: null, optional: true},
]"""
OPEN_FORM = f"""async () => {{
    const {{ Form }} = await import('/shared/form.js');
    window.submitted = 0;
    window.form = new Form({FIELDS}, {{ submit: () => (window.submitted += 1) }});
    {HOST}.append(window.form.node);
}}"""


def test_a_form_reads_typed_values_and_says_beside_a_field_what_is_wrong(server: AppServer, open_page: Open) -> None:
    """Each type is read as itself; what is no such value, or outside its limits, has one sentence beside it, and the focus."""
    page = open_page(server, "empty")
    page.page.evaluate(OPEN_FORM)

    def fill(name: str, text: str) -> None:
        page.page.fill(f"[data-field={name}] input", text)

    def wrong(name: str) -> str:
        assert page.page.evaluate("window.form.read()") is None
        assert page.page.get_attribute(f"[data-field={name}] input", "aria-invalid") == "true"
        assert page.page.evaluate("document.activeElement.closest('.field').dataset.field") == name
        return page.text(f"[data-field={name}] .field-error")

    assert wrong("must") == "This is needed."
    fill("must", "x")
    read = {"fast": 10, "share": 0.5, "short": True, "way": 2.5, "day": "2026-01-31", "note": "a", "must": "x", "own": None}
    assert page.page.evaluate("window.form.read()") == read
    assert page.text("[data-field=fast] .field-help") == "bars of the fast average · from 1 to 100"
    for text, sentence in {
        "1.5": "Write a whole number.",
        "x": "Write a whole number.",
        "0": "It must be from 1 to 100.",
        "": "This is needed.",
    }.items():
        fill("fast", text)
        assert wrong("fast") == sentence
    fill("fast", "7")
    assert not page.page.locator("[data-field=fast] .field-error").is_visible()  # it goes when the field is changed
    for text, sentence in {"0,5": "Write a number, with a point before its decimals.", "-1": "It must be at least 0."}.items():
        fill("share", text)
        assert wrong("share") == sentence
    fill("share", "1e-3")
    page.page.uncheck("[data-field=short] input")
    page.page.select_option("[data-field=way] select", "1")
    fill("day", "")
    assert page.page.evaluate("window.form.read()") == {**read, "fast": 7, "share": 0.001, "short": False, "way": 1, "day": None}
    page.page.keyboard.press("Enter")
    assert page.page.evaluate("window.submitted") == 1
    page.page.evaluate("window.form.refuse('fast (7) must be less than slow (5).')")
    assert page.text("[data-field=fast] .field-error") == "fast (7) must be less than slow (5)."
    page.page.evaluate("window.form.refuse('It is busy.')")
    assert page.text(".form > .refused") == "It is busy."
    page.page.evaluate("window.form.set({fast: 3, note: '<b>', nobody: 1})")
    assert page.page.evaluate("[window.form.value('fast'), window.form.value('note')]") == [3, "<b>"]


OPEN_DIALOG = """async () => {
    const { Dialog } = await import('/shared/dialog.js');
    const { AskButton } = await import('/shared/ask.js');
    window.done = [];
    const ask = (name, run) => new AskButton({ text: () => name, question: () => `${name} it?`, run });
    const first = ask('Stop', async () => window.done.push('stopped'));
    const second = ask('Unload', async () => { throw new Error('It is <b>busy</b>.'); });
    HOST.append(Object.assign(document.createElement('button'), { id: 'opener', textContent: 'open' }));
    document.getElementById('opener').addEventListener('click', () => {
        const body = [first.node, second.node];
        window.dialog = new Dialog({ title: 'Load', body, closed: () => window.done.push('closed') }).open();
    });
    window.addEventListener('keydown', (event) => window.done.push(`page heard ${event.key}`));
}""".replace("HOST", HOST)


def test_a_question_is_asked_once_in_place_and_a_dialog_keeps_the_focus(server: AppServer, open_page: Open) -> None:
    """One question at a time; Esc takes back the question first, then closes the dialog, whose opener has the focus again."""
    page = open_page(server, "empty")
    page.page.evaluate(OPEN_DIALOG)
    page.page.click("#opener")
    page.page.get_by_role("button", name="Stop").click()
    assert page.text(".dialog .ask[role=group] .question") == "Stop it?"
    assert page.page.evaluate("document.activeElement.className") == "yes"
    page.page.get_by_role("button", name="Unload").click()
    assert page.page.locator(".ask[role=group]").count() == 1  # the other question is taken back
    page.page.keyboard.press("Escape")
    assert page.page.locator(".ask[role=group]").count() == 0
    assert page.page.evaluate("document.activeElement.textContent") == "Unload"
    assert page.page.evaluate("window.dialog.node.open")
    page.page.keyboard.press("Enter")
    page.page.keyboard.press("Enter")  # the answer that agrees has the focus
    page.wait_text(".ask .refused", "Refused: It is <b>busy</b>.")  # as text, never as markup
    page.page.get_by_role("button", name="Stop").click()
    page.page.locator(".ask .no").click()
    assert page.page.evaluate("window.done") == []
    page.page.get_by_role("button", name="Stop").click()
    page.page.get_by_role("button", name="Yes, stop").click()
    page.wait("window.done.includes('stopped')")
    for _ in range(6):
        page.page.keyboard.press("Tab")
        assert page.page.evaluate("document.activeElement === document.body || window.dialog.node.contains(document.activeElement)")
    page.page.keyboard.press("k")  # a key of the page's own
    page.page.keyboard.press("Escape")
    page.wait("window.done.includes('closed')")
    assert page.page.evaluate("document.activeElement.id") == "opener"
    assert page.page.evaluate("window.done") == ["stopped", "closed"]
