package web_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hppsend/internal/desk"
	"hppsend/internal/web"
)

// TestLargeForms are answered with a page that says so.
func TestLargeForms(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	uma := h.person("Uma", all...)
	of := furnished(t, uma)
	before := h.dump()
	for _, pattern := range []string{"POST /uploads/{id}/cells", "POST /uploads/{id}/paste", "POST /sign-in", "POST /people", "POST /language"} {
		uma.post(of.path(pattern), "t.3.1.", strings.Repeat("x", 2<<20)).is(413).says("This is more than a form may hold.", "It may have 2 MB.")
	}
	uma.post(of.path("POST /uploads/{id}/cells"), "t.3.1.", "%zz", "x", strings.Repeat("x", 1<<20)).is(303)
	req := uma.request(http.MethodPost, "/people", strings.NewReader("a=%zz&%zz"))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	uma.do(req).is(422).says("What the browser sent cannot be read.")
	if after := h.dump(); before["mend"]+before["upload"]+before["person"] != after["mend"]+after["upload"]+after["person"] {
		t.Error("something was done")
	}
}

// kept fails the test when anything is kept of an upload.
func (h *house) kept() {
	h.t.Helper()
	if d := h.dump(); d["upload"] != "" || d["files"] != "[]" {
		h.t.Errorf("something is kept: %s %s", d["upload"], d["files"])
	}
}

// TestLargeUploads are refused with a page, and nothing is kept of them.
func TestLargeUploads(t *testing.T) {
	t.Parallel()
	h := plan{desk: func(c *desk.Config) { c.Limits.Person = 1500 << 10 }}.open(t)
	uma := h.person("Uma", desk.Uploader)
	home := uma.get("/").says("up to 1 MB")
	for _, size := range []int{1<<20 + 1, 3 << 20, 20 << 20} {
		p := home.form("form[action='/uploads']").file("file", "big.csv", strings.Repeat("x", size)).submit("").is(413)
		p.says("There is a problem", "The file is larger than 1 MB.", "Split it")
		h.kept()
	}
	home.form("form[action='/uploads']").submit("").is(422).says("The file is empty, or none was chosen.")
	home.form("form[action='/uploads']").file("file", "empty.csv", "").submit("").is(422)
	uma.post("/uploads", "account", north, "file", "x").is(422).says("No file came with this.")
	body, kind := multipartBody([]field{{name: "account", value: north}, {name: "other", value: "x"}})
	req := uma.request(http.MethodPost, "/uploads", body)
	req.Header.Set("Content-Type", kind)
	uma.do(req).is(422).says("No file came with this.")
	body, kind = multipartBody([]field{{name: "account", value: north}, {name: "file", value: "x.csv", file: []byte("session_id,phone\n1,2\n")}})
	req = uma.request(http.MethodPost, "/uploads", strings.NewReader(body.String()[:body.Len()-20])) // it ends in the midst of its last line
	req.Header.Set("Content-Type", kind)
	uma.do(req).is(422).says("The file did not come to its end.", "nothing was kept")
	h.kept()

	// all files of a person together
	id, _ := uma.bring("a.csv", strings.Repeat("x", 1<<20))
	home.form("form[action='/uploads']").file("file", "b.csv", strings.Repeat("y", 1<<20)).submit("").is(413).says("Your uploads may take 1 MB together.")
	uma.post("/uploads/" + id + "/delete").is(303)
	uma.bring("b.csv", strings.Repeat("y", 1<<20))
}

// TestCutUpload ends a connection in the midst of a file.
func TestCutUpload(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	uma := h.person("Uma", desk.Uploader)
	body, more := io.Pipe()
	req := uma.request(http.MethodPost, "/uploads", body)
	req.Header.Set("Content-Type", "multipart/form-data; boundary=b")
	done := make(chan error, 1)
	go func() {
		_, err := uma.http.Do(req)
		done <- err
	}()
	io.WriteString(more, "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\nsession_id\n")
	for h.server.Uploading() == 0 {
		time.Sleep(time.Millisecond)
	}
	more.CloseWithError(io.ErrUnexpectedEOF)
	<-done
	for h.server.Uploading() > 0 {
		time.Sleep(time.Millisecond)
	}
	h.kept()
}

// TestManyUploads has as many come in as may, and one more.
func TestManyUploads(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	uma := h.person("Uma", desk.Uploader)
	var ends []*io.PipeWriter
	done := make(chan int, 8)
	for i := range 8 {
		body, more := io.Pipe()
		ends = append(ends, more)
		req := uma.request(http.MethodPost, "/uploads", body)
		req.Header.Set("Content-Type", "multipart/form-data; boundary=b")
		go func() {
			res, err := uma.http.Do(req)
			if err != nil {
				done <- 0
				return
			}
			res.Body.Close()
			done <- res.StatusCode
		}()
		fmt.Fprintf(more, "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"%d.csv\"\r\n\r\nsession_id,phone\n", i)
	}
	for h.server.Uploading() < 8 {
		time.Sleep(time.Millisecond)
	}
	home := uma.get("/").is(200)
	home.form("form[action='/uploads']").file("file", "ninth.csv", two).submit("").is(429).says("Too many files are coming in at the moment.", "Try again in a minute.")
	for _, more := range ends {
		io.WriteString(more, "\r\n--b--\r\n")
		more.Close()
	}
	for range ends {
		if status := <-done; status != 303 {
			t.Errorf("one that came in time gets %d", status)
		}
	}
	home.form("form[action='/uploads']").file("file", "ninth.csv", two).submit("").is(303)
}

// workbook is one made of parts.
func workbook(t *testing.T, sheets int, sheet io.Reader) string {
	t.Helper()
	var b, names, rels bytes.Buffer
	for i := range sheets {
		fmt.Fprintf(&names, `<sheet name="S%d" sheetId="%d" r:id="r%d"/>`, i, i+1, i)
		fmt.Fprintf(&rels, `<Relationship Id="r%d" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/>`, i)
	}
	const (
		main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
		of   = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
		list = `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">`
		end  = `</Relationships>`
	)
	z := zip.NewWriter(&b)
	for _, part := range []struct {
		name string
		text io.Reader
	}{
		{"_rels/.rels", strings.NewReader(list + `<Relationship Id="r" Type="` + of + `/officeDocument" Target="xl/workbook.xml"/>` + end)},
		{"xl/workbook.xml", strings.NewReader(`<workbook xmlns="` + main + `" xmlns:r="` + of + `"><sheets>` + names.String() + `</sheets></workbook>`)},
		{"xl/_rels/workbook.xml.rels", strings.NewReader(list + rels.String() + end)},
		{"xl/worksheets/sheet1.xml", sheet},
	} {
		w, err := z.Create(part.name)
		if err == nil {
			_, err = io.Copy(w, part.text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// spaces is so many bytes of them.
func spaces(n int64) io.Reader { return io.LimitReader(blank{}, n) }

type blank struct{}

func (blank) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// TestBombs are refused with words, and the server goes on.
func TestBombs(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	uma := h.person("Uma", desk.Uploader)
	const sheet = `<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>`
	_, p := uma.bring("bomb.xlsx", workbook(t, 1, io.MultiReader(strings.NewReader(sheet), spaces(40<<20), strings.NewReader("</sheetData></worksheet>"))))
	p.at("reading").says("It cannot be sent as it is read now.", "grows more than 300 times")
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	io.Copy(z, io.MultiReader(strings.NewReader("session_id,phone\n"), spaces(40<<20)))
	z.Close()
	_, p = uma.bring("bomb.csv.gz", b.String())
	p.at("reading").says("It cannot be sent as it is read now.", "unpacks to more than 100 times its size")
	for _, step := range []string{"problems", "preview", "checked.csv"} {
		if p := uma.get("/uploads/" + p.upload() + "/" + step).follow(); p.status >= 500 {
			t.Errorf("%s of a bomb: %d", step, p.status)
		}
	}

	row := `<row r="1"><c r="A1" t="inlineStr"><is><t>session_id</t></is></c><c r="B1" t="inlineStr"><is><t>phone</t></is></c></row>`
	_, p = uma.bring("sheets.xlsx", workbook(t, 10_000, strings.NewReader(sheet+row+"</sheetData></worksheet>")))
	p.at("reading").says("he workbook has 10000 sheets, and 1000 at most are looked through")
	uma.get("/healthz").is(200).says("ok")
}

// TestPace ends an upload that comes too slowly, and lets one go on that does not.
func TestPace(t *testing.T) {
	t.Parallel()
	for _, one := range []struct {
		name  string
		rate  int // bytes a second
		whole bool
	}{{"a byte a second", 1, false}, {"a thousand", 1000, false}, {"twenty thousand", 20_000, true}} {
		synctest.Test(t, func(t *testing.T) {
			c := &clock{ResponseRecorder: httptest.NewRecorder()}
			body := web.Paced(io.NopCloser(slow(one.rate)), c)
			for range 600 { // ten minutes
				io.ReadFull(body, make([]byte, one.rate))
				if late := time.Now().After(c.read[len(c.read)-1]); late {
					if one.whole {
						t.Errorf("%s: it is cut off", one.name)
					}
					return
				}
			}
			if !one.whole {
				t.Errorf("%s: it is let come in for ten minutes", one.name)
			}
		})
	}
}

// slow gives so many bytes a second.
type slow int

func (s slow) Read(p []byte) (int, error) {
	time.Sleep(time.Second)
	return min(len(p), int(s)), nil
}
