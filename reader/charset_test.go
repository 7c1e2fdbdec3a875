package reader

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/text/encoding/unicode/utf32"

	"hppsend/pipeline"
)

const tableHead = "session_id;name;email\n5f1e7a60-0000-4000-8000-000000000001;"

// Whatever the encoding is, an address with a letter beyond ASCII is never read by a guess; named, each
// encoding gives the letters that were written.
func TestNoGuessDecidesAnAddress(t *testing.T) {
	for _, c := range charsets {
		for _, r := range "äöåéłńščžøßабвяαβωğşıÇ£’" {
			b, ok := c.EncodeRune(r)
			if !ok {
				continue
			}
			text := tableHead + "Ann;zoe@m" + string([]byte{b}) + "ller.example\n" + strings.ReplaceAll(tableHead[22:], "1;", "2;") + "Bo;bo@example.com\n"
			rows, err := everyRow(file(t, "in.csv", text), Options{})
			if err != nil {
				var e *pipeline.Error
				if !errors.As(err, &e) || !strings.Contains(e.Todo, "--encoding") {
					t.Errorf("%s %c: %v", c.name, r, err)
				}
			} else if len(rows) != 2 || !rows[0].Guessed || !strings.Contains(rows[0].Raw, guessedAddress) || rows[1].Guessed || rows[1].Raw != "" || len(rows[1].Notes) > 0 {
				t.Errorf("%s %c: %+v", c.name, r, rows)
			}
			rows, err = everyRow(file(t, "in.csv", text), Options{Encoding: c.name})
			if err != nil || len(rows) != 2 || rows[0].Guessed || rows[0].Raw != "" || rows[0].Fields.Email != fmt.Sprintf("zoe@m%cller.example", r) {
				t.Errorf("%s %c, named: %+v, %v", c.name, r, rows, err)
			}
		}
	}
}

// In a report, which is in UTF-8, the trace says it, until it is emptied.
func TestGuessedInAReport(t *testing.T) {
	for raw, want := range map[string]bool{guessedAddress: true, "x\t" + guessedAddress: true, "": false} {
		rows, err := everyRow(file(t, "in.csv", "session_id,email,hpp_status,hpp_run,hpp_raw\na1,zoe@müller.example,rejected,r,"+raw+"\n"), Options{})
		if err != nil || len(rows) != 1 || rows[0].Guessed != want {
			t.Errorf("%q: %+v, %v", raw, rows, err)
		}
	}
}

// The check says what the bytes allow, with a word of the file in each; rows that could be others carry it.
func TestReadings(t *testing.T) {
	for _, tt := range []struct {
		name      string
		says, not []string // in the notice or the refusal
		refused   bool
		noted     bool
	}{
		{"M\xfcller", []string{`"Müller" as windows-1252, windows-1250`}, []string{"windows-1251", "cp850", "macintosh"}, false, true},
		{"M\x81ller", []string{"on line 2", `"Müller" as cp850`}, []string{"windows", "koi8"}, true, false},
		{"Soko\xb3owski", []string{`"Sokołowski" as windows-1250`, `"Soko³owski" as windows-1252`}, []string{"cp850", "macintosh"}, false, true},
		{"m\x9fller", []string{`"müller" as macintosh`, `"mŸller" as windows-1252`}, []string{"windows-1251"}, false, true},
		{"\xcf\xe5\xf2\xf0", []string{`"Петр" as windows-1251`, `"Ïåòð" as windows-1252`}, nil, false, true},
		{"\x8f\xa5\xe2\xe0", []string{`"Петр" as cp866`}, []string{"as windows-1252"}, true, false},
		{"100 \x80", []string{`"€" as windows-1252`}, nil, false, true},
		{strings.Repeat("\xe5", 500), nil, []string{strings.Repeat("å", maxWord+1)}, false, true},
		{"ann\xe9@example.com", []string{`"anné" as windows-1252`}, []string{"@", "example"}, false, true},
	} {
		f, err := Open(file(t, "in.csv", tableHead+tt.name+";ann@example.com\n"), Options{})
		said := ""
		if err != nil {
			said = err.Error()
		} else {
			said = strings.Join(f.Input().Notices, "\n")
			for row := range pipeline.Rows(f) {
				if len(row.Notes) > 0 != tt.noted {
					t.Errorf("%q: %+v", tt.name, row.Notes)
				}
			}
			if err := f.Close(); err != nil {
				t.Error(err)
			}
		}
		if err != nil != tt.refused {
			t.Errorf("%q: %v", tt.name, err)
		}
		for _, s := range tt.says {
			if !strings.Contains(said, s) {
				t.Errorf("%q: %s\nsays nothing of %s", tt.name, said, s)
			}
		}
		for _, s := range tt.not {
			if strings.Contains(said, s) {
				t.Errorf("%q: %s\nspeaks of %s", tt.name, said, s)
			}
		}
	}
}

// Each byte that Windows-1252 has not is refused, wherever it stands.
func TestBytesThatTheGuessHasNot(t *testing.T) {
	for _, b := range []byte{0x81, 0x8d, 0x8f, 0x90, 0x9d} {
		for _, text := range []string{
			tableHead + string([]byte{b}) + ";ann@example.com\n",
			"\xe5" + string([]byte{b}) + "\n" + tableHead + ";ann@example.com\n",
			tableHead + strings.Repeat("\xe5", 70000) + string([]byte{'x', b}) + ";ann@example.com\n",
		} {
			_, err := everyRow(file(t, "in.csv", text), Options{})
			if err == nil || !strings.Contains(err.Error(), "the encoding cannot be told") {
				t.Errorf("%x: %v", b, err)
			}
		}
	}
}

func TestUTF32(t *testing.T) {
	for _, order := range []utf32.Endianness{utf32.BigEndian, utf32.LittleEndian} {
		for _, mark := range []utf32.BOMPolicy{utf32.UseBOM, utf32.IgnoreBOM} {
			for _, text := range []string{tableHead + "Åsa;ann@example.com\n", "session_id\tname\temail\n"} {
				encoded, err := utf32.UTF32(order, mark).NewEncoder().Bytes([]byte(text))
				if err != nil {
					t.Fatal(err)
				}
				for _, wanted := range []string{"", "utf-8", "utf-16"} {
					_, p, err := detectEncoding(bytes.NewReader(encoded), wanted)
					if err != nil || p.what != "the file is in UTF-32, which we do not read" {
						t.Errorf("%v %v %q: %q, %v", order, mark, wanted, p.what, err)
					}
				}
			}
		}
	}
}
