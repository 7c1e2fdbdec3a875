package web_test

import (
	"strings"
	"testing"

	"hppsend/internal/desk"
)

// TestTwoEditors has two people at the same cells: the second is shown both texts, and nothing is lost.
func TestTwoEditors(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	uma, uwe := h.person("Uma", desk.Uploader), h.person("Uwe", desk.Uploader)
	id, _ := uma.bring("list.csv", "session_id,phone,email\n"+session(1)+",12345,\n"+session(2)+",54321,\n"+session(3)+",,nobody\n")
	problems := "/uploads/" + id + "/problems"
	ours, theirs := uma.get(problems).form("form[data-cells]"), uwe.get(problems).form("form[data-cells]")
	ours.set(cell(2, 1), "+46701740605").submit("").is(303)
	p := theirs.set(cell(2, 1), "+46701740606").set(cell(4, 2), "carl@example.com").submit("").is(409)
	p.says("Row 2", "Uma", "\"+46701740605\"", "\"+46701740606\"", "Save once more if yours is to stand.")
	if to := p.doc.Find(".mistakes a").AttrOr("href", ""); to != "#r2-c1" {
		t.Errorf("the mistake leads to %q", to)
	}
	f := p.form("form[data-cells]")
	if f.value(cell(2, 1)) != "+46701740606" || f.value(cell(4, 2)) != "carl@example.com" {
		t.Errorf("what the second has typed is gone: %v", f.fields(nil))
	}
	if now := uma.get(problems).form("form[data-cells]"); now.value(cell(2, 1)) != "+46701740605" || now.value(cell(4, 2)) != "nobody" {
		t.Errorf("some of a form that was refused was taken: %v", now.fields(nil))
	}
	f.submit("").is(303).follow().says("Saved.", "1 row has problems", "was 12345, Uwe")
	// each cell of a form that nobody touched is left as it is, whatever has become of it since
	p = ours.set(cell(2, 1), "12345").set(cell(3, 1), "+46701740607").submit("").is(303).follow()
	f = p.form("form[data-cells]")
	for at, want := range map[string]string{cell(2, 1): "+46701740606", cell(3, 1): "+46701740607", cell(4, 2): "carl@example.com"} {
		if got := f.value(at); got != want {
			t.Errorf("%s is %q, want %q", at, got, want)
		}
	}
	// both type the same: it is no clash
	f, g := uma.get(problems).form("form[data-cells]"), uwe.get(problems).form("form[data-cells]")
	f.set(cell(3, 1), "+46701740608").submit("").is(303)
	g.set(cell(3, 1), "+46701740608").submit("").is(303)
}

// TestReadOtherwiseMeanwhile types into a page while somebody else has said that the file is cut otherwise.
func TestReadOtherwiseMeanwhile(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	uma, uwe := h.person("Uma", desk.Uploader), h.person("Uwe", desk.Uploader)
	id, _ := uma.bring("list.csv", "session_id,email;note\n"+session(1)+",bo;by@example\n")
	cutAt := func(delimiter, session, email string) {
		p := uma.get("/uploads/"+id+"/reading").form("form.reading").set("delimiter", delimiter).submit("show the columns").follow()
		p.form("form.reading").set("map.session_id", session).set("map.email", email).submit("go on").is(303)
	}
	cutAt(",", "session_id", "email;note")
	problems := "/uploads/" + id + "/problems"
	old := uwe.get(problems)
	cutAt(";", "session_id,email", "note")
	for _, p := range []*page{
		old.form("form[data-cells]").set(cell(2, 1), "bo@example.com").submit("").is(409),
		old.form("form[data-paste]").set("from", "2.1.").set("block", "bo@example.com").submit("Show").is(409),
	} {
		p.says("How the file is read was changed meanwhile.", "Look at the page anew.")
		if got := p.form("form[data-cells]").value(cell(2, 1)); got != "by@example" {
			t.Errorf("what is another cell now has %q", got)
		}
	}
	uwe.get(problems).form("form[data-cells]").set(cell(2, 1), "bo@example.com").submit("").is(303)
}

// TestAlikeOfOldPage types into all that are alike from a page on which a cell was another.
func TestAlikeOfOldPage(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	uma, uwe := h.person("Uma", desk.Uploader), h.person("Uwe", desk.Uploader)
	id, _ := uma.bring("list.csv", "session_id,phone\n"+session(1)+",12345\n"+session(2)+",12345\n"+session(3)+",999\n"+session(4)+",999\n")
	problems := "/uploads/" + id + "/problems"
	old := uwe.get(problems).form("form[data-cells]")
	uma.get(problems).form("form[data-cells]").set(cell(2, 1), "999").submit("").is(303)
	p := old.set(cell(2, 1), "+46701740605").submit("2.1.").is(409).says("Uma", "\"999\"")
	for row, want := range map[int]string{2: "999", 3: "12345", 4: "999"} {
		if got := uma.get(problems).form("form[data-cells]").value(cell(row, 1)); got != want {
			t.Errorf("row %d is %q, want %q", row, got, want)
		}
	}
	p.form("form[data-cells]").submit("").is(303) // once more: the one cell is his
}

// TestOddCells saves a page as it is that holds what an input does not give back as it got it.
func TestOddCells(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	uma := h.person("Uma", desk.Uploader)
	odd := []string{
		"\"070-174\n06 05\"", "\"070-174\r\n06 05 \"", "\" 12345\"", "\"1\t2\"", "12\x00345",
		"\"say \"\"12345\"\"\"", "12345" + strings.Repeat("6", 2000), "1&amp;2", "<1>", "\u202e12345", "12\u00a0345",
	}
	text := "session_id,phone\n"
	for i, c := range odd {
		text += session(i) + "," + c + "\n"
	}
	id, _ := uma.bring("odd.csv", text)
	before := h.dump()
	p := uma.get("/uploads/" + id + "/problems").is(200)
	if n := p.doc.Find("tr.bad").Length(); n < len(odd)-2 {
		t.Errorf("only %d of the rows are shown", n)
	}
	p.form("form[data-cells]").submit("").is(303).follow().says("Nothing was changed.")
	after := h.dump()
	if before["mend"] != after["mend"] || before["upload"] != after["upload"] {
		t.Errorf("cells were typed into by nobody: %s", after["mend"])
	}
}

// TestPages goes through many problems, a page at a time, also after a form that was refused.
func TestPages(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	uma := h.person("Uma", desk.Uploader)
	text := "session_id,phone\n" + session(999) + ",+46701740605\n"
	for i := range 120 {
		text += session(i) + ",+46123\n"
	}
	id, p := uma.bring("many.csv", text)
	p.at("problems").says("120 rows have problems", "Page 1 of 3")
	p = p.click("Next").says("Page 2 of 3").click("Next").says("Page 3 of 3").click("Back").says("Page 2 of 3")
	if n := p.doc.Find("table.cells tbody tr").Length(); n != 50 {
		t.Errorf("a page has %d rows", n)
	}
	p = p.form("form[data-cells]").set(cell(60, 1), "070\t174").submit("").is(422).says("Page 2 of 3")
	p.click("Next").is(200).says("Page 3 of 3")
	p.form("form[data-cells]").set(cell(60, 1), "+46701740605").submit("").is(303).follow().says("Page 2 of 3", "119 rows have problems")
	uma.get("/uploads/" + id + "/problems?page=9999").is(200).says("Page 3 of 3")
	uma.get("/uploads/" + id + "/problems?page=-1&code=%22%3E").is(200)
}

// TestOddHeaders chooses columns whose names hold what a list of choices does not give back as it got it.
func TestOddHeaders(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	uma := h.person("Uma", desk.Uploader)
	for _, odd := range []string{"Nummer\nhem", "Nummer  hem", " Nummer hem ", "Nummer\u00a0hem", "Nummer\themma", "Nummer\r\nhem", "\"Nummer\""} {
		id, _ := uma.bring("odd.csv", asCSV([]string{"session_id", odd, "Nummer hem2"}, []string{session(1), "+46701740605", "x"}, []string{session(2), "+46701740606", "y"}))
		p := uma.get("/uploads/" + id + "/reading").is(200)
		options := p.doc.Find("select[name='map.phone'] option")
		f := p.form("form.reading").set("map.phone", optionValue(options.Eq(options.Length()-2)))
		p = f.submit("go on").is(303).follow()
		if p.step() != "preview" {
			t.Errorf("by the column %q it comes to %s: %s", odd, p.step(), p.gist())
			continue
		}
		uma.get("/uploads/" + id + "/reading").form("form.reading").submit("go on").is(303).follow().at("preview").says("2 messages to send")
	}
}
