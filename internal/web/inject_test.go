package web_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"unicode"

	"github.com/xuri/excelize/v2"

	"hppsend/internal/desk"
)

// asCSV writes rows as CSV.
func asCSV(rows ...[]string) string {
	var b strings.Builder
	w := csv.NewWriter(&b)
	w.WriteAll(rows)
	return b.String()
}

// plain takes out what a file with it is no text.
var plain = strings.NewReplacer("\x00", "", "\x1b", "", "\a", "")

// marks fails the test when some payloads are not to be read on the pages together, as text or in a field.
func marks(t *testing.T, what string, pages ...*page) {
	t.Helper()
	text := ""
	for _, p := range pages {
		text += p.is(200).text()
		for _, n := range p.doc.Find("input, option").Nodes {
			for _, a := range n.Attr {
				text += " " + a.Val
			}
		}
	}
	for i := range payloads {
		if !strings.Contains(text, mark(i)) && !strings.Contains(payloads[i], "xxxx") { // of what is long, the end is cut off
			t.Errorf("%s: %q is not shown", what, payloads[i])
		}
	}
}

// TestInjectedCells has payloads in cells, mended and not, in headers, and in what Klarna answers.
func TestInjectedCells(t *testing.T) {
	t.Parallel()
	script := "sessions:\n"
	rows := [][]string{{"session_id", "phone", "email", "remark"}}
	for i, p := range payloads {
		message, _ := json.Marshal(p)
		script += fmt.Sprintf("  %s: [{do: refuse, message: %s}]\n", session(500+i), message)
		rows = append(rows, []string{session(i), p, "", p}, []string{session(500 + i), "", fmt.Sprintf("p%d@example.com", i), p})
	}
	h := plan{script: script}.open(t)
	uma, alf, vera := h.person("Uma", desk.Uploader), h.person("Alf", desk.Approver), h.person("Vera", desk.Viewer)
	id, first := uma.bring("cells.csv", asCSV(rows...))
	path := "/uploads/" + id
	first.at("problems")
	second := uma.get(path + "/problems?page=2")
	marks(t, "cells", first, second)
	for i, p := range payloads {
		for _, at := range []*page{first, second} {
			in := at.doc.Find(fmt.Sprintf("#r%d-c1", 2+2*i))
			if value := in.AttrOr("value", p); strings.ReplaceAll(value, "\ufffd", "\x00") != p {
				t.Errorf("%q is shown as %q", p, value)
			}
		}
	}
	vera.get(path + "/problems").is(200)
	little, _ := uma.bring("small.csv", "session_id,phone\n"+session(1)+",12345\n"+session(3)+",+46701740605\n")
	for i, p := range payloads { // what is refused is shown again, what is taken is shown from now on
		small := uma.get("/uploads/" + little + "/problems").at("problems")
		if i%4 == 0 {
			q := small.form("form[data-paste]").set("from", "2.1.").set("block", p).submit("Show")
			if q.status != 422 && q.is(200).form("form.actions").value("block") == "" {
				t.Errorf("%q is gone", p)
			}
		}
		q := small.form("form[data-cells]").set(cell(2, 1), p).submit("")
		if q.status != 422 {
			if i%8 == 0 {
				uma.get(small.asked.Path + "?code=" + url.QueryEscape(p) + "&said=" + url.QueryEscape(p) + "&run=" + url.QueryEscape(p)).is(200)
			}
			q = uma.get(small.asked.Path)
		}
		if got := q.form("form[data-cells]").value(cell(2, 1)); strings.ReplaceAll(got, "\ufffd", "\x00") != p {
			t.Errorf("typed %q, and it is %q", p, got)
		}
		small.form("#undo").send([]field{{name: "batch", value: "0"}})
	}
	ask := uma.get(path+"/preview").form("form.ask").set("leave_out", "1")
	ask.submit("Ask").is(303)
	alf.get(path + "/approval").is(200).form("form[action$='/approve']").submit("Approve").is(303)
	uma.until(id, "done")
	var out []*page
	for n := 0; ; n++ {
		p := uma.get(fmt.Sprintf("%s/rows?page=%d", path, n)).is(200)
		vera.get(fmt.Sprintf("%s/rows?page=%d", path, n)).is(200)
		if out = append(out, p); p.doc.Find("a[rel=next]").Length() == 0 {
			break
		}
	}
	answers := ""
	for _, p := range out {
		answers += p.text()
	}
	for i := range payloads { // of a long answer the end is cut off
		if !strings.Contains(answers, mark(i)) && !strings.ContainsAny(payloads[i], "\x00") && !strings.Contains(payloads[i], "xxxx") {
			t.Errorf("what Klarna has answered is not shown: %q", payloads[i])
		}
	}
}

// TestInjectedHeaders has payloads as headers, and as the names of sheets.
func TestInjectedHeaders(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	uma := h.person("Uma", desk.Uploader)
	headers := []string{"session_id"}
	for _, text := range payloads {
		headers = append(headers, plain.Replace(text))
	}
	_, p := uma.bring("headers.csv", asCSV(headers, headers))
	marks(t, "headers", p.at("reading"))

	book := excelize.NewFile()
	defer book.Close()
	var sheets []string
	for _, name := range payloads {
		name = strings.Map(func(r rune) rune {
			if strings.ContainsRune(`:\/?*[]`, r) || r < ' ' {
				return -1
			}
			return r
		}, name)
		r := []rune(name)
		name = strings.Trim(string(r[max(0, len(r)-31):]), "'")
		if _, err := book.NewSheet(name); err != nil {
			t.Fatal(name, err)
		}
		sheets = append(sheets, name)
		for at, text := range map[string]string{"A1": "session_id", "B1": "phone", "A2": session(1), "B2": "12345"} {
			h.must(book.SetCellStr(name, at, text))
		}
	}
	var b bytes.Buffer
	h.must(book.Write(&b))
	_, p = uma.bring("sheets.xlsx", b.String())
	marks(t, "sheets", p.at("reading"))
	for i := 0; i < len(sheets); i += 16 {
		_, p = uma.bring("sheets.xlsx", b.String())
		p = p.form("form.reading").set("sheet", sheets[i]).set("country", "SE").submit("Read it so").is(303).follow().at("reading")
		q := uma.get("/uploads/" + p.upload() + "/problems").at("problems")
		at := cell(2, 1) + sheets[i]
		q = q.form("form[data-cells]").set(at, "+46701740605").submit("").is(303).follow()
		if got := q.form("form[data-cells]").value(at); got != "+46701740605" {
			t.Errorf("a cell of the sheet %q has %q", sheets[i], got)
		}
	}
}

// TestInjectedWords has payloads as names of files, labels, notes, reasons, and names of people.
func TestInjectedWords(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	uma, alf, adam := h.person("Uma", desk.Uploader), h.person("Alf", desk.Approver), h.person("Adam", desk.Administrator)
	for i, text := range payloads {
		label := strings.Map(func(r rune) rune {
			if !unicode.IsPrint(r) {
				return -1
			}
			return r
		}, text)
		label = label[max(0, len(label)-150):]
		who := uma
		if i%8 == 0 { // some bring a file, all are on the page of people
			who = h.personIn(text, map[string][]desk.Role{north: {desk.Uploader}})
		} else {
			_, err := h.desk.Known(t.Context(), "https://id.example.com", text, label, text, map[string][]desk.Role{north: {desk.Viewer}})
			h.must(err)
		}
		path := who.put(plain.Replace(text), asCSV([]string{"session_id", plain.Replace(text)}, []string{session(i), "person@example.com"}))
		f := who.get(path+"/reading").form("form.reading").set("map.session_id", "session_id").set("label", label)
		if i%4 != 0 || len(text) > 500 {
			f.submit("Read it so").is(303)
			continue
		}
		f.set("reminder", label).set("country", text).submit("go on").is(422)
		f.set("country", "").set("reminder", "").submit("Read it so").is(303)
		p := who.get(path + "/reading")
		options := p.doc.Find("select[name='map.email'] option")
		p.form("form.reading").set("map.email", optionValue(options.Last())).submit("go on").is(303).follow()
		p = who.get(path+"/preview").says(mark(i), "1 message to send")
		p.form("form.ask").set("note", text).submit("Ask").is(303)
		p = alf.get(path + "/approval").is(200).says(mark(i))
		p.form("form[action$='/send-back']").set("reason", text).submit("Send back").is(303).follow().is(200).says("It came back:", mark(i))
		adam.get(path + "/audit").is(200)
	}
	home := adam.get("/").is(200)
	marks(t, "names of files and people", home, home.click("Older ones").is(200), adam.get("/people"))
	for i, text := range payloads[:8] {
		adam.post("/people", "login", text, "name", text, "account", text, "role", text)
		adam.get("/?words=" + url.QueryEscape(text) + "&by=" + url.QueryEscape(text) + "&state=" + url.QueryEscape(text) + "&from=" + url.QueryEscape(text)).is(200)
		adam.get("/" + url.PathEscape(text)).follow().is(404)
		h.browser().post("/sign-in", "login", text, "password", fmt.Sprint(i), "to", text)
	}
	adam.get("/audit").is(200)
}
