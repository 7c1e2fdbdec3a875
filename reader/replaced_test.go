package reader

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"hppsend/pipeline"
)

// watched does something before one of the reads of a file. A workbook's parts are read side by side.
type watched struct {
	io.ReaderAt
	reads atomic.Int64
	when  int64
	do    func()
}

func (w *watched) ReadAt(p []byte, off int64) (int, error) {
	if w.reads.Add(1) == w.when {
		w.do()
	}
	return w.ReaderAt.ReadAt(p, off)
}

// A file that another takes the place of, or that is written anew, at any moment while it is opened and read: the
// hash and the rows are of one content, or it is refused.
func TestFileThatIsReplaced(t *testing.T) {
	ids := map[string]string{"old": "a", "new": "b"}
	content := func(name, which string) []byte {
		var text strings.Builder
		text.WriteString("session_id,email\n")
		for i := range 3000 {
			fmt.Fprintf(&text, "%s%04d,p%d@example.com\n", ids[which], i, i)
		}
		switch name {
		case "gzip":
			var b bytes.Buffer
			z := gzip.NewWriter(&b)
			z.Write([]byte(text.String()))
			z.Close()
			return b.Bytes()
		case "workbook":
			book := excelize.NewFile() // which has its texts in a part of their own, apart from the rows
			defer book.Close()
			for i, line := range strings.Split(strings.TrimSpace(text.String()), "\n")[:300] {
				for k, cell := range strings.Split(line, ",") {
					if err := book.SetCellStr("Sheet1", fmt.Sprintf("%c%d", 'A'+k, i+1), cell); err != nil {
						t.Fatal(err)
					}
				}
			}
			b, err := book.WriteToBuffer()
			if err != nil {
				t.Fatal(err)
			}
			return stored(t, b.Bytes())
		}
		return []byte(text.String())
	}
	for _, name := range []string{"CSV", "gzip", "workbook"} {
		contents := map[[32]byte]string{}
		bytesOf := map[string][]byte{}
		for which := range ids {
			bytesOf[which] = content(name, which)
			contents[sha256.Sum256(bytesOf[which])] = which
		}
		for how, replace := range map[string]func(path string) error{
			"another in its place": func(path string) error {
				if err := os.WriteFile(path+".tmp", bytesOf["new"], 0o600); err != nil {
					return err
				}
				return os.Rename(path+".tmp", path)
			},
			"written anew": func(path string) error { return os.WriteFile(path, bytesOf["new"], 0o600) },
		} {
			t.Run(name+", "+how, func(t *testing.T) {
				refused, read := 0, map[string]int{}
				last := 0
				for when := 1; when <= last || last == 0; when++ {
					path := filepath.Join(t.TempDir(), "in")
					if err := os.WriteFile(path, bytesOf["old"], 0o600); err != nil {
						t.Fatal(err)
					}
					if err := os.Chtimes(path, time.Time{}, time.Now().Add(-time.Hour)); err != nil {
						t.Fatal(err)
					}
					var w *watched
					which, err := whole(path, Options{watch: func(at io.ReaderAt) io.ReaderAt {
						w = &watched{ReaderAt: at, when: int64(when), do: func() {
							if err := replace(path); err != nil {
								t.Error(err)
							}
						}}
						return w
					}}, contents, ids)
					switch {
					case err == nil:
						read[which]++
					case which != "":
						t.Fatalf("replaced at read %d: %v", when, err)
					default:
						refused++
					}
					if w.reads.Load() < int64(when) { // the replacement came too late for all reads
						last = when
					}
				}
				if last < 5 {
					t.Errorf("only %d reads", last)
				}
				if how == "another in its place" && (refused > 0 || read["old"] != last) {
					t.Errorf("what was opened was not read to its end: refused %d times, read %v", refused, read)
				}
				if how == "written anew" && refused == 0 {
					t.Errorf("none of %d was refused", last)
				}
			})
		}
	}
}

// whole opens and reads a file, and says of which content it is. An error with a content says what does not
// belong together; one without is of the reading.
func whole(path string, opt Options, contents map[[32]byte]string, ids map[string]string) (which string, err error) {
	f, err := Open(path, opt)
	if err != nil {
		return "", err
	}
	defer f.Close()
	rows := map[string]int{}
	for row, err := range pipeline.Rows(f) {
		if err != nil {
			return "", err
		}
		for which, letter := range ids {
			if strings.HasPrefix(row.Fields.Session, letter) {
				rows[which]++
			}
		}
	}
	which, ok := contents[f.Input().SHA256]
	if !ok || len(rows) != 1 || rows[which] == 0 {
		return "mixed", fmt.Errorf("the hash is of %q, the rows of %v", which, rows)
	}
	return which, nil
}

// stored gives a zip file with its parts as they are, so that those of one length lie in one place.
func stored(t *testing.T, zipped []byte) []byte {
	t.Helper()
	from, err := zip.NewReader(bytes.NewReader(zipped), int64(len(zipped)))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	to := zip.NewWriter(&out)
	for _, part := range from.File {
		r, err := part.Open()
		if err != nil {
			t.Fatal(err)
		}
		w, err := to.CreateHeader(&zip.FileHeader{Name: part.Name, Method: zip.Store})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(w, r); err != nil {
			t.Fatal(err)
		}
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
