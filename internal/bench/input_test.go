package bench

import (
	"archive/zip"
	"bufio"
	"compress/flate"
	"encoding/csv"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/google/uuid"
)

// person is a row of the inputs: an open payment of somebody made up. Numbers and domains are those
// reserved for examples and fiction.
type person struct {
	session, method string
	phone, country  string // as a shop has it; both empty in a quarter of the rows
	email           string // empty in another quarter
	name            string
	order, amount   int

	e164 string
}

var columns = []string{"session_id", "method", "phone", "phone_country", "email", "name", "order", "amount"}

// numbers are the forms of five countries' numbers: as written, in E.164, and how many there are.
var numbers = []struct {
	country, local, e164 string
	first, count         int
}{
	{"SE", "070-174 06 %02d", "+467017406%02d", 5, 95},
	{"GB", "07700 900%03d", "+447700900%03d", 0, 1000},
	{"DE", "0176 040690%02d", "+49176040690%02d", 0, 100},
	{"FR", "06 39 98 00 %02d", "+336399800%02d", 0, 100},
	{"US", "(202) 555-01%02d", "+120255501%02d", 0, 100},
}

// personAt gives the row with an index, always the same. The numbers that are reserved are few, some
// 1,400: a cache of numbers would look better here than it is.
func personAt(i int) person {
	rng := rand.New(rand.NewPCG(20, uint64(i)))
	var id uuid.UUID
	for k := range id {
		id[k] = byte(rng.Uint32())
	}
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	p := person{session: id.String(), method: "sms", name: fmt.Sprintf("Person %d", i%1000), order: 100_000 + i, amount: 100 + rng.IntN(900)}
	form := numbers[rng.IntN(len(numbers))]
	n := form.first + rng.IntN(form.count)
	if i%4 != 3 {
		p.phone, p.country, p.e164 = fmt.Sprintf(form.local, n), form.country, fmt.Sprintf(form.e164, n)
		if i%8 < 4 {
			p.phone = p.e164
		}
	}
	if i%4 != 0 {
		p.email = fmt.Sprintf("person.%d@example.com", i)
	}
	if i%2 == 1 {
		p.method = "email"
	}
	return p
}

func (p person) cells() []string {
	return []string{p.session, p.method, p.phone, p.country, p.email, p.name, strconv.Itoa(p.order), strconv.Itoa(p.amount)}
}

// body is the body of its call, as the program sends it.
func (p person) body() string {
	if p.method == "sms" {
		return `{"contact_information":{"phone":"` + p.e164 + `","phone_country":"` + p.country + `"},"method":"sms"}`
	}
	return `{"contact_information":{"email":"` + p.email + `"},"method":"email"}`
}

// input makes a file of so many rows.
func input(b *testing.B, make func(io.Writer, int) error, name string, rows int) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), name)
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	if err := make(f, rows); err != nil {
		b.Fatal(err)
	}
	return path
}

func writeCSV(to io.Writer, rows int) error {
	w := csv.NewWriter(to)
	w.Write(columns)
	for i := range rows {
		w.Write(personAt(i).cells())
	}
	w.Flush()
	return w.Error()
}

// The parts of a workbook that do not depend on its rows.
const (
	declared     = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"
	sheetML      = `http://schemas.openxmlformats.org/spreadsheetml/2006/main`
	relationsOf  = `http://schemas.openxmlformats.org/officeDocument/2006/relationships`
	contentTypes = declared + `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/><Override PartName="/xl/sharedStrings.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"/></Types>`
	relations    = declared + `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">`
	rootRels     = relations + `<Relationship Id="rId1" Type="` + relationsOf + `/officeDocument" Target="xl/workbook.xml"/></Relationships>`
	bookRels     = relations + `<Relationship Id="rId1" Type="` + relationsOf + `/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="` + relationsOf + `/sharedStrings" Target="sharedStrings.xml"/></Relationships>`
	bookXML      = declared + `<workbook xmlns="` + sheetML + `" xmlns:r="` + relationsOf + `"><sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>`
)

// writeBook writes a workbook as Excel does: each text once, in the table of shared strings, in the
// order in which the cells name them. excelize writes one in six times the time, and in gigabytes.
func writeBook(to io.Writer, rows int) error {
	z := zip.NewWriter(to)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestSpeed) })
	part := func(name string, write func(w *bufio.Writer)) error {
		w, err := z.Create(name)
		if err != nil {
			return err
		}
		out := bufio.NewWriterSize(w, 64<<10)
		write(out)
		return out.Flush()
	}
	for _, p := range [][2]string{{"[Content_Types].xml", contentTypes}, {"_rels/.rels", rootRels}, {"xl/workbook.xml", bookXML}, {"xl/_rels/workbook.xml.rels", bookRels}} {
		if err := part(p[0], func(w *bufio.Writer) { w.WriteString(p[1]) }); err != nil {
			return err
		}
	}
	var texts []string
	index := map[string]int{}
	err := part("xl/worksheets/sheet1.xml", func(w *bufio.Writer) {
		w.WriteString(declared + `<worksheet xmlns="` + sheetML + `"><sheetData>`)
		for r := range rows + 1 {
			cells := columns
			if r > 0 {
				cells = personAt(r - 1).cells()
			}
			fmt.Fprintf(w, `<row r="%d" spans="1:8">`, r+1)
			for c, text := range cells {
				switch {
				case text == "":
				case c >= 6 && r > 0:
					fmt.Fprintf(w, `<c r="%c%d"><v>%s</v></c>`, 'A'+c, r+1, text)
				default:
					i, known := index[text]
					if !known {
						i = len(texts)
						texts = append(texts, text)
						if c != 0 && c != 4 { // these do not repeat
							index[text] = i
						}
					}
					fmt.Fprintf(w, `<c r="%c%d" t="s"><v>%d</v></c>`, 'A'+c, r+1, i)
				}
			}
			w.WriteString(`</row>`)
		}
		w.WriteString(`</sheetData></worksheet>`)
	})
	if err != nil {
		return err
	}
	err = part("xl/sharedStrings.xml", func(w *bufio.Writer) {
		fmt.Fprintf(w, `%s<sst xmlns="%s" uniqueCount="%d">`, declared, sheetML, len(texts))
		for _, text := range texts {
			w.WriteString(`<si><t>` + text + `</t></si>`)
		}
		w.WriteString(`</sst>`)
	})
	if err != nil {
		return err
	}
	return z.Close()
}
