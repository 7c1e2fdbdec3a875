package web_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"hppsend/internal/desk"
)

// list is a file of some rows, of which the first so many have a broken e-mail address.
func list(rows, broken int) string {
	var b strings.Builder
	b.WriteString("session_id,name,email\n")
	for i := range rows {
		email := fmt.Sprintf("person%d@example.com", i)
		if i < broken {
			email = fmt.Sprintf("person%d@example,com", i)
		}
		fmt.Fprintf(&b, "\"c0000000-0000-4000-8000-%012d\",Person %d,\"%s\"\n", i, i, email)
	}
	return b.String()
}

// TestBrowserWholeWay goes the whole way as three people, by the keyboard alone.
func TestBrowserWholeWay(t *testing.T) {
	h := newHouse(t)
	anna, bo := h.person("Anna", desk.Uploader).window(), h.person("Bo", desk.Approver).window()
	anna.at("/")
	anna.looked("home")
	upload := anna.file("may.csv", list(12, 3))
	anna.until("location.pathname.endsWith('/problems')")
	anna.looked("problems")
	for i := range 3 {
		if i == 0 {
			anna.tab("input[aria-invalid=true]")
		} else { // Enter has led here
			anna.until(fmt.Sprintf("document.activeElement.matches('input[aria-invalid=true]') && document.activeElement.value == 'person%d@example,com'", i))
		}
		anna.typed("oops")
		anna.press(kb.Escape)
		if text := eval[string](anna, "document.activeElement.value"); text != fmt.Sprintf("person%d@example,com", i) {
			t.Errorf("Esc leaves %q", text)
		}
		anna.typed(fmt.Sprintf("person%d@example.com", i))
		anna.press(kb.Enter)
	}
	anna.until("document.querySelector('main').innerText.includes('No problems left')")
	if focus := eval[string](anna, "document.activeElement.id"); focus != "problems-title" {
		t.Errorf("after the last problem the focus is on %q", focus)
	}
	if rows := eval[int](anna, "document.querySelectorAll('table.cells tbody tr').length"); rows != 3 {
		t.Errorf("of three mended rows %d are still shown", rows)
	}
	anna.looked("mended")
	anna.at(upload + "/reading")
	anna.looked("reading")
	anna.at(upload + "/preview")
	anna.looked("preview")
	anna.tab("#note")
	anna.press("The May reminder, as agreed.")
	anna.choose(".ask > button")
	anna.until("location.pathname.endsWith('/approval')")
	if eval[bool](anna, "!!document.querySelector('form[action$=\"/approve\"]')") {
		t.Error("who uploaded it may approve it")
	}
	bo.at("/")
	bo.choose("th a")
	bo.until("location.pathname.endsWith('/approval')")
	bo.looked("approval")
	for _, want := range []string{"person2@example,com", "person2@example.com", "The May reminder", "Anna"} {
		if !eval[bool](bo, fmt.Sprintf("document.querySelector('main').innerText.includes(%q)", want)) {
			t.Errorf("who approves does not see %q", want)
		}
	}
	bo.choose("form[action$='/approve'] button")
	bo.until("location.pathname.endsWith('/rows')") // by way of the progress page, which leads on by itself
	bo.looked("rows")
	cleo := h.person("Cleo", desk.Viewer).window()
	cleo.at(upload + "/rows")
	if eval[bool](cleo, "document.body.innerText.includes('person2@example.com')") || !eval[bool](cleo, "document.body.innerText.includes('delivered')") {
		t.Error("who may only look sees contacts, or not what was delivered")
	}
	if n := len(h.box.Stats().Accepted); n != 12 {
		t.Errorf("%d were sent", n)
	}
	ada := h.person("Ada", desk.Administrator).window()
	for _, name := range []string{"people", "audit", "me", "help"} {
		ada.at("/" + name)
		ada.looked(name)
	}
	nobody := h.browser().window()
	nobody.at("/sign-in")
	nobody.looked("sign-in")
	nobody.at("/nowhere")
	nobody.looked("no page")
}

// TestBrowserEditors has two people at the same cell: the second sees both texts, and loses neither.
func TestBrowserEditors(t *testing.T) {
	h := newHouse(t)
	anna, bo := h.person("Anna", desk.Uploader).window(), h.person("Bo", desk.Uploader).window()
	upload := anna.file("may.csv", list(3, 2))
	bo.at(upload + "/problems")
	anna.tab("input[aria-invalid=true]")
	anna.typed("anna@example.com")
	anna.press(kb.Enter)
	anna.until("document.querySelectorAll('input[aria-invalid=true]').length == 1")
	bo.tab("input[aria-invalid=true]")
	bo.typed("bo@example.com")
	bo.press(kb.Enter)
	bo.until("document.querySelector('.mistakes')")
	bo.looked("two editors")
	if text := eval[string](bo, "document.querySelector('.mistakes').innerText"); !strings.Contains(text, "anna@example.com") || !strings.Contains(text, "bo@example.com") {
		t.Errorf("the second is told %q", text)
	}
	if focus := eval[bool](bo, "!!document.activeElement.closest('.mistakes')"); !focus {
		t.Error("what went wrong has not the focus")
	}
	bo.choose(".mistakes a") // to the cell
	if text := eval[string](bo, "document.activeElement.value"); text != "bo@example.com" {
		t.Errorf("what the second typed is %q now", text)
	}
	bo.press(kb.Enter)
	bo.until("!document.querySelector('.mistakes') && document.querySelector('main').innerText.includes('Bo')")
	anna.at(upload + "/problems")
	if !eval[bool](anna, "[...document.querySelectorAll('input')].some(e => e.value == 'bo@example.com')") {
		t.Error("the first does not see what the second has saved")
	}
}

// TestBrowserPaste pastes a block into a cell, sees what it would fill, and takes it back with one key.
func TestBrowserPaste(t *testing.T) {
	h := newHouse(t)
	anna := h.person("Anna", desk.Uploader).window()
	upload := anna.file("may.csv", list(5, 4))
	anna.until("document.querySelector('input[aria-invalid=true]')")
	anna.tab("input[aria-invalid=true]")
	anna.pasted("a@example.com\nb@example.com\nc@example.com\n")
	anna.until("location.pathname.endsWith('/paste')")
	anna.looked("paste")
	if title := eval[string](anna, "document.querySelector('h1').innerText"); title != "Fill 3 cells?" {
		t.Errorf("it asks %q", title)
	}
	if eval[string](anna, "document.activeElement.name") != "apply" {
		anna.tab("button[name=apply]")
	}
	anna.press(kb.Enter)
	anna.until("location.pathname.endsWith('/problems') && document.querySelectorAll('input[aria-invalid=true]').length == 1")
	anna.tab("input[aria-invalid=true]")
	anna.press("z", chromedp.ModifierCtrl)
	anna.until("document.querySelectorAll('input[aria-invalid=true]').length == 4")
	anna.at(upload + "/problems")
	if n := eval[int](anna, "document.querySelectorAll('input[aria-invalid=true]').length"); n != 4 {
		t.Errorf("after the undo %d cells are broken", n)
	}
	anna.tab("input[aria-invalid=true]")
	anna.pasted("one@example.com\n") // as a spreadsheet program copies one cell
	if text := eval[string](anna, "document.activeElement.value"); text != "one@example.com" {
		t.Errorf("one cell pasted gives %q", text)
	}
}

// TestBrowserStops stops a run, and goes on with it, by the page.
func TestBrowserStops(t *testing.T) {
	h := plan{canary: 2, approvers: desk.Approvers{}}.open(t)
	anna := h.person("Anna", desk.Uploader, desk.Approver).window()
	upload := anna.file("may.csv", list(40, 0))
	anna.at(upload + "/preview")
	anna.looked("send at once")
	anna.choose("button[name=send]")
	anna.until("location.pathname.endsWith('/progress') && document.querySelector('button[name=go_on]')")
	anna.looked("canary")
	anna.choose("button[name=go_on][value=no]")
	anna.until("location.pathname.endsWith('/rows')")
	anna.looked("stopped")
	if n := len(h.box.Stats().Accepted); n != 2 {
		t.Errorf("%d were sent by the time of the answer", n)
	}
	anna.choose("form[action$='/go-on'] button") // who goes on has answered
	anna.until("location.pathname.endsWith('/rows') && document.querySelector('.filters').innerText.includes('delivered 40')")
	accepted := h.box.Stats().Accepted
	if len(accepted) != 40 {
		t.Errorf("%d were sent", len(accepted))
	}
	for session, times := range accepted {
		if times > 1 {
			t.Errorf("%s was sent %d times", session, times)
		}
	}
}

// TestBrowserRunsNothing has names, headers and cells that would be scripts: none of them runs.
func TestBrowserRunsNothing(t *testing.T) {
	h := newHouse(t)
	anna := h.person("Anna <img src=x onerror=alert(1)>", desk.Uploader, desk.Approver).window()
	evil := `"<script>alert(1)</script><img src=x onerror=alert(2)>"`
	text := "session_id,email," + strings.ReplaceAll(evil, "alert(1)", "alert(9)") + "\n"
	for i := range 3 {
		text += fmt.Sprintf("c0000000-0000-4000-8000-%012d,%s,%s\n", i, strings.ReplaceAll(evil, "alert(1)", "alert(3)"), evil)
	}
	upload := anna.file("<svg onload=alert(4)>.csv", text)
	for _, page := range []string{"problems", "reading", "preview", "audit", "rows"} {
		anna.at(upload + "/" + page)
		if n := eval[int](anna, "document.querySelectorAll('script').length + document.querySelectorAll('main img, main svg').length"); n != 1 {
			t.Errorf("%s has %d scripts and pictures", page, n)
		}
	}
}
