package reader

import (
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"hppsend/pipeline"
)

func listFile(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// bookOf writes a workbook of sheets, each of rows with cells between bars.
func bookOf(t testing.TB, sheets ...[]string) string {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	for i, rows := range sheets {
		sheet := fmt.Sprintf("Sheet%d", i+1)
		if _, err := f.NewSheet(sheet); err != nil {
			t.Fatal(err)
		}
		for r, row := range rows {
			for c, cell := range strings.Split(row, "|") {
				name, _ := excelize.CoordinatesToCellName(c+1, r+1)
				if err := f.SetCellStr(sheet, name, cell); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	path := filepath.Join(t.TempDir(), "list.xlsx")
	if err := f.SaveAs(path); err != nil {
		t.Fatal(err)
	}
	return path
}

func hexOf(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text))) }

const (
	listedPhone = "+46701740605"
	listedEmail = "anna@example.com"
	otherPhone  = "+46701740606"
)

// TestSuppressionLists reads lists in every form, and looks for contacts that are on them and not.
func TestSuppressionLists(t *testing.T) {
	latin, err := charmap.Windows1252.NewEncoder().String("Förnamn;E-post\nÅsa;anna@example.com\n")
	if err != nil {
		t.Fatal(err)
	}
	wide, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String("phone\tname\n0701740605\tÅsa\n")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		why, text, country string
		contact            string
		line               int
	}{
		{"one phone a line", "+46701740600\n+46701740605\n", "", listedPhone, 2},
		{"in local form", "070-174 06 05\n", "SE", listedPhone, 1},
		{"the spreadsheet took the zero", "701740605\n701740606\n", "SE", listedPhone, 1},
		{"the plus is gone", "46701740605\n", "SE", listedPhone, 1},
		{"the plus is gone, and the numbers are of another country", "46701740605\n", "NO", listedPhone, 1},
		{"one address a line, in any case", "bo@example.com\nAnna@Example.COM\n", "", listedEmail, 2},
		{"a hash of a phone", "00" + strings.Repeat("0f", 31) + "\n" + hexOf(listedPhone), "", listedPhone, 2},
		{"a hash in capitals", strings.ToUpper(hexOf(listedEmail)), "", listedEmail, 1},
		{"a hash of an address whose domain is not in ASCII", hexOf("anna@bücher.example"), "", "anna@xn--bcher-kva.example", 1},
		{"a hash of such an address, in ASCII", hexOf("anna@xn--bcher-kva.example"), "", "anna@xn--bcher-kva.example", 1},
		{"an address whose domain is not in ASCII", "Anna@BÜCHER.example", "", "anna@xn--bcher-kva.example", 1},
		{"all mixed", "+46701740600\n" + hexOf("x@example.com") + "\nbo@example.com\n\nanna@example.com\n", "", listedEmail, 5},
		{"CRLF, a mark, and no end of line", "\ufeffanna@example.com\r\n+46701740605", "", listedPhone, 2},
		{"a header", "E-mail\nanna@example.com\n", "", listedEmail, 2},
		{"a title, and a header", "Opt-outs of May\n\nName;Mobile\nDoe, Ann;0701740605\n", "SE", listedPhone, 4},
		{"a comma in a name", "name;phone\nDoe, Ann;+46701740605\n", "", listedPhone, 2},
		{"both contacts in a row, the phone", "phone,email\n+46701740605,anna@example.com\n", "", listedPhone, 2},
		{"both contacts in a row, the address", "phone,email\n+46701740605,anna@example.com\n", "", listedEmail, 2},
		{"two columns of phones", "Phone 1;Phone;Mobile\n;+46701740600;+46701740605\n", "", listedPhone, 2},
		{"a country in the row", "Land;Telefon\nSE;0701740605\n", "DE", listedPhone, 2},
		{"another column of addresses", "phone;whatever\n+46701740600;anna@example.com\n", "", listedEmail, 2},
		{"no header, two columns", "Anna;anna@example.com\nBo;bo@example.com\n", "", listedEmail, 1},
		{"no header, and an address in a column of names", "Anna;+46701740605\nanna@example.com;+46701740606\nBo;+46701740607\n", "", listedEmail, 2},
		{"several contacts in a cell", "+46701740600; +46701740605\n", "", listedPhone, 1},
		{"several addresses in a cell", "email\n\"bo@example.com, anna@example.com\"\n", "", listedEmail, 2},
		{"an address with a name", "Anna Example <anna@example.com>\n", "", listedEmail, 1},
		{"a header again", "email\nbo@example.com\nE-Mail\nanna@example.com\n", "", listedEmail, 4},
		{"a column called hash", "hash;since\n" + hexOf(listedEmail) + ";2026-01-01\n", "", listedEmail, 2},
		{"a column called contact", "Kontakt\n+46701740605\n", "", listedPhone, 2},
		{"the first that is called so holds names", "contact,phone\nAnn,+46701740605\n", "", listedPhone, 2},
		{"an export of old", "sep=;\nemail;x\nanna@example.com;1\n", "", listedEmail, 3},
		{"Windows-1252", latin, "", listedEmail, 2},
		{"UTF-16", wide, "SE", listedPhone, 2},
		{"it can be two numbers: one", "4155552671\n", "US", "+14155552671", 1},
		{"a plus that is none: the number at home", "+3125551234\n", "US", "+13125551234", 1},
		{"as a formula keeps it", "=\"0701740605\"\n", "SE", listedPhone, 1},
		{"the same twice", "anna@example.com\nbo@example.com\nANNA@example.com\n", "", listedEmail, 1},
	}
	for _, tc := range tests {
		path := listFile(t, "list.txt", tc.text)
		s, _, err := ReadSuppression(t.Context(), []string{path}, ListOptions{Country: tc.country})
		if err != nil {
			t.Errorf("%s: %v", tc.why, err)
			continue
		}
		if list, line, ok := s.Find("", otherwise(tc.contact), tc.contact); !ok || list != "list.txt" || line != tc.line {
			t.Errorf("%s: found %v, in %q, line %d, want line %d", tc.why, ok, list, line, tc.line)
		}
		if _, _, ok := s.Find("nobody@example.com", "+46701740699"); ok {
			t.Errorf("%s: a stranger is found", tc.why)
		}
		if l := s.Lists(); len(l) != 1 || l[0].Name != path || l[0].SHA256 != hexOf(tc.text) || l[0].Count == 0 {
			t.Errorf("%s: kept is %+v", tc.why, l)
		}
	}
}

// otherwise is a contact that no list of the tests has.
func otherwise(contact string) string {
	if strings.Contains(contact, "@") {
		return "+46701740698"
	}
	return "stranger@example.com"
}

func TestSuppressionInBooksAndArchives(t *testing.T) {
	book := bookOf(t, []string{"Name|Mobile", "Ann|0701740600", "Bo|0701740605"}, []string{"", "anna@example.com"}, []string{"Notes", "none"})
	f, err := excelize.OpenFile(book)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{f.SetRowVisible("Sheet1", 3, false), f.SetSheetVisible("Sheet2", false), f.SetCellInt("Sheet1", "B2", 46701740600), f.Save(), f.Close()} {
		if err != nil {
			t.Fatal(err)
		}
	}
	packed := filepath.Join(t.TempDir(), "list.csv.gz")
	out, err := os.Create(packed)
	if err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(out)
	fmt.Fprint(z, "email\nbo@example.com\n")
	if err := errors.Join(z.Close(), out.Close()); err != nil {
		t.Fatal(err)
	}
	s, notices, err := ReadSuppression(t.Context(), []string{book, packed}, ListOptions{Country: "SE"})
	if err != nil {
		t.Fatal(err)
	}
	for contact, want := range map[string]string{
		listedPhone:      `list.xlsx, sheet "Sheet1" 3`, // a hidden row
		"+46701740600":   `list.xlsx, sheet "Sheet1" 2`, // a number
		listedEmail:      `list.xlsx, sheet "Sheet2" 2`, // a hidden sheet
		"bo@example.com": "list.csv.gz 2",
	} {
		if list, line, ok := s.Find(contact); !ok || fmt.Sprint(list, " ", line) != want {
			t.Errorf("%s: %v %q %d, want %s", contact, ok, list, line, want)
		}
	}
	if l := s.Lists(); len(l) != 2 || l[0].Count != 3 || l[1].Count != 1 {
		t.Errorf("kept is %+v", l)
	}
	if all := strings.Join(notices, "\n"); !strings.Contains(all, `nothing like a contact stands in "Sheet3"`) {
		t.Errorf("notices: %s", all)
	}
	// Of several lists the first counts, and in it the first line.
	first := listFile(t, "first.txt", "x@example.com\n"+listedPhone+"\n"+listedEmail+"\n")
	s, _, err = ReadSuppression(t.Context(), []string{first, book}, ListOptions{Country: "SE"})
	if err != nil {
		t.Fatal(err)
	}
	if list, line, ok := s.Find(listedEmail, listedPhone); !ok || list != "first.txt" || line != 2 {
		t.Errorf("%v %s %d", ok, list, line)
	}
}

// TestSuppressionRefuses shows that no line is passed over in silence, and that what is said of it shows no contact.
func TestSuppressionRefuses(t *testing.T) {
	tests := []struct {
		why, text, country string
		unreadable         int
		wants              []string
	}{
		{"no country", "+46701740605\n0701740605\n46701740605\n", "", 0, []string{"row 2: ", "row 3: ", "2 lines of the suppression lists", "--default-country"}},
		{"a number too short", "+46701740605\n0701\n", "SE", 0, []string{"row 2", "too short"}},
		{"digits are lost", "phone\n+46701740605\n4.67E+10\n", "SE", 0, []string{"row 3", `column "phone"`, "last digits are lost"}},
		{"a name among addresses", "anna@example.com\nBo Example\n", "", 0, []string{"row 2", "1 line of"}},
		{"a broken address", "anna@example.com\nbo@@example.com\nc@example\n", "", 0, []string{"row 2", "more than one @", "row 3", "no dot"}},
		{"a row without a contact", "name;email\nAnn;ann@example.com\nBo;\n", "", 0, []string{"row 3: the line names no contact"}},
		{"an unknown header", "Ring\nanna@example.com\n", "", 0, []string{"row 1", "a first line with names of columns"}},
		{"a quote that is never closed", "email\nanna@example.com\n\"bo@example.com\nc@example.com\n", "", 0, []string{"row 3"}},
		{"a shifted row", "name,email\nAnn,ann@example.com\nDoe, Bo,bo@example.com\n", "", 0, []string{"row 3"}},
		{"an unknown country", "country,phone\nSE,0701740605\nXY,0701740606\n", "SE", 0, []string{"row 3", "country is none"}},
		{"a hash a digit short", hexOf("x") + "\n" + hexOf("y")[1:] + "\n", "", 0, []string{"row 2"}},
		{"more than is known", "anna@example.com\nx\ny\n", "", 1, []string{"2 lines of the suppression lists cannot be read, and --suppress-unreadable says 1", "row 2", "row 3"}},
		{"fewer than is known", "anna@example.com\nx\n", "", 3, []string{"1 line of the suppression lists cannot be read, and --suppress-unreadable says 3"}},
		{"none of those that are known", "anna@example.com\n", "", 3, []string{"no line of the suppression lists cannot be read, and --suppress-unreadable says 3"}},
		{"empty", "", "", 0, []string{"the file is empty"}},
		{"blank lines alone", "\n\n \n", "", 0, []string{"no column of phone numbers or e-mail addresses"}},
		{"a header alone", "phone,email\n", "", 0, []string{"names nobody"}},
		{"nobody who can be told", "phone\nx\n", "", 1, []string{"names nobody"}},
		{"no contacts at all", "name;town\nAnn;Rome\n", "", 0, []string{"no column of phone numbers or e-mail addresses"}},
		{"a guess at the encoding", "email\nanna@example.com\nanna@m\xfcller.example\n", "", 0, []string{"row 3", "save the list as UTF-8"}},
		{"no text", "email\n\x00\x00\x00\nanna@example.com\n", "", 0, []string{"neither text nor a workbook"}},
	}
	for _, tc := range tests {
		path := listFile(t, "list.txt", tc.text)
		_, _, err := ReadSuppression(t.Context(), []string{path}, ListOptions{Country: tc.country, Unreadable: tc.unreadable})
		if !errors.Is(err, pipeline.BadInput) {
			t.Errorf("%s: %v", tc.why, err)
			continue
		}
		text := err.Error() + hintsOf(err)
		for _, want := range tc.wants {
			if !strings.Contains(text, want) {
				t.Errorf("%s: it says %s, not %q", tc.why, text, want)
			}
		}
		for _, secret := range []string{"1740605", "1740606", "bo@", "Bo Example", "ller.example"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s: a contact is shown: %s", tc.why, text)
			}
		}
	}
	path := listFile(t, "list.txt", "anna@example.com\nx\n+46701740605 and\n")
	s, notices, err := ReadSuppression(t.Context(), []string{path}, ListOptions{Unreadable: 2})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, ok := s.Find(listedEmail); !ok || !strings.Contains(strings.Join(notices, "\n"), "hold nobody back: 2") {
		t.Errorf("%v, %q", ok, notices)
	}
	for _, bad := range []string{Stdin, filepath.Join(t.TempDir(), "none.csv"), t.TempDir()} {
		if _, _, err := ReadSuppression(t.Context(), []string{bad}, ListOptions{}); !errors.Is(err, pipeline.BadInput) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := ReadSuppression(ctx, []string{path}, ListOptions{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func hintsOf(err error) (hints string) {
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range several.Unwrap() {
			hints += hintsOf(e)
		}
		return hints
	}
	return "\n" + pipeline.Hint(err)
}

// FuzzSuppression reads anything as a list: it is refused, or every line that is not blank names somebody.
func FuzzSuppression(f *testing.F) {
	for _, seed := range []string{
		"+46701740605\n", "phone;email\n0701740605;anna@example.com\n", hexOf(listedEmail), "\"a\nb\"\n", "sep=,\nemail\n", "\xff\xfe+\x00", "1f8b", "anna@example.com,,\n'x'\n", "PK\x03\x04",
	} {
		f.Add([]byte(seed), "SE")
		f.Add([]byte(seed), "")
	}
	f.Fuzz(func(t *testing.T, text []byte, country string) {
		path := filepath.Join(t.TempDir(), "list")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		s, _, err := ReadSuppression(t.Context(), []string{path}, ListOptions{Country: country})
		if err != nil {
			if !errors.Is(err, pipeline.BadInput) && !errors.Is(err, pipeline.InputChanged) {
				t.Errorf("refused with %v", err)
			}
			return
		}
		l := s.Lists()
		if len(l) != 1 || l[0].Count == 0 || l[0].SHA256 != hexOf(string(text)) {
			t.Errorf("kept is %+v", l)
		}
	})
}

// BenchmarkSuppression reads a million lines, of several kinds, and looks a million contacts up. The peak is of the
// heap, with what is garbage.
func BenchmarkSuppression(b *testing.B) {
	const lines = 1_000_000
	for name, line := range map[string]func(i int) string{
		"international": func(i int) string { return fmt.Sprintf("+467%08d", i) },
		"local": func(i int) string {
			return fmt.Sprintf("07%d-%03d %02d %02d", i%10, i/10%1000, i/10_000%100, i/1_000_000)
		},
		"addresses": func(i int) string { return fmt.Sprintf("customer.%d@example%d.com", i, i%50) },
		"hashes":    func(i int) string { return hexOf(fmt.Sprint(i)) },
	} {
		b.Run(name, func(b *testing.B) {
			var text strings.Builder
			text.WriteString("contact\n")
			for i := range lines {
				text.WriteString(line(i))
				text.WriteByte('\n')
			}
			path := listFile(b, "list.csv", text.String())
			text.Reset()
			for b.Loop() {
				runtime.GC()
				stop, peak := make(chan bool), make(chan uint64)
				go func() { peak <- peakHeap(stop) }()
				began := time.Now()
				s, _, err := ReadSuppression(b.Context(), []string{path}, ListOptions{Country: "SE"})
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(time.Since(began).Seconds(), "s")
				close(stop)
				b.ReportMetric(float64(<-peak)/1e6, "peak-MB")
				began = time.Now()
				for i := range lines {
					s.Find(fmt.Sprintf("+467%08d", i))
				}
				b.ReportMetric(float64(time.Since(began).Nanoseconds())/lines, "ns/look-up")
			}
		})
	}
}

func peakHeap(stop chan bool) (peak uint64) {
	var m runtime.MemStats
	for {
		select {
		case <-stop:
			return peak
		case <-time.After(10 * time.Millisecond):
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapAlloc)
		}
	}
}
