package reader

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

func TestSurvey(t *testing.T) {
	const swedish = "session_id;namn\na1;Åsa Öberg €\n"
	encoded := func(e encoding.Encoding) string {
		s, err := e.NewEncoder().String(swedish)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	little := unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
	big := unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
	tests := []struct {
		name, text, wanted string
		encoding, problem  string
	}{
		{"ASCII", "a;b\n", "", "UTF-8", ""},
		{"UTF-8", swedish, "", "UTF-8", ""},
		{"UTF-8 said", swedish, "utf8", "UTF-8", ""},
		{"a replacement character that is in the file", swedish + "\ufffd", "", "UTF-8", ""},
		{"UTF-16 with a mark", "\xfe\xff" + encoded(big), "", "UTF-16BE", ""},
		{"UTF-16 without", encoded(big), "", "UTF-16BE", ""},
		{"UTF-16, low byte first, with a mark", "\xff\xfe" + encoded(little), "", "UTF-16LE", ""},
		{"UTF-16, low byte first", encoded(little), "", "UTF-16LE", ""},
		{"UTF-16 said", encoded(little), "utf-16", "UTF-16LE", ""},
		{"UTF-16 said, and which by the mark", "\xfe\xff" + encoded(big), "UTF-16", "UTF-16BE", ""},
		{"UTF-16 said, and by the mark the other", "\xfe\xff" + encoded(big), "utf-16le", "", "the file begins with the mark of UTF-16BE and is not UTF-16LE"},
		{"marked and another said", "\ufeff" + swedish, "latin1", "", "the file begins with the mark of UTF-8 and is not windows-1252"},
		{"Windows-1252", encoded(charmap.Windows1252), "", "windows-1252", ""},
		{"another one said", encoded(charmap.Windows1252), "latin1", "windows-1252", ""},
		{"cut off within a character", swedish + "Å\n\xc3", "", "", "the file is in two encodings: in part it is UTF-8, but not on line 4"},
		{"not what was said", "a\nb\n\xc3", "utf-8", "", "line 3 cannot be read as UTF-8"},
		{"two encodings, UTF-8 the lesser", encoded(charmap.Windows1252) + "\xe5\xe4\nÅ", "", "", "the file is in two encodings: in part it is UTF-8, but not on line 2"},
		{"two encodings", swedish + "\xc5\n", "", "", "the file is in two encodings: in part it is UTF-8, but not on line 3"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for name, in := range map[string]io.Reader{
				"at once":      strings.NewReader(tt.text),
				"byte by byte": iotest.OneByteReader(strings.NewReader(tt.text)),
			} {
				d, p, err := detectEncoding(in, tt.wanted)
				if err != nil || p.what != tt.problem {
					t.Fatalf("%s: %q, %v", name, p.what, err)
				}
				if tt.problem != "" {
					continue
				}
				text, err := io.ReadAll(d.reader(strings.NewReader(tt.text)))
				got := strings.TrimPrefix(string(text), byteOrderMark)
				if err != nil || d.name != tt.encoding || strings.HasPrefix(d.name, "UTF-16") && got != swedish || d.name == "windows-1252" && got != swedish {
					t.Errorf("%s: %s, %q, %v", name, d.name, got, err)
				}
			}
		})
	}
}

func TestSurveyPassesErrorsOn(t *testing.T) {
	for _, wanted := range []string{"", "utf-8", "latin1"} {
		in := io.MultiReader(strings.NewReader(strings.Repeat("a", 5000)), iotest.ErrReader(io.ErrClosedPipe))
		if _, _, err := detectEncoding(in, wanted); err == nil {
			t.Errorf("%q: no error", wanted)
		}
	}
}
