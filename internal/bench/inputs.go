package main

import (
	"archive/zip"
	"bufio"
	"compress/flate"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"

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

// contacts are where its message goes, and the row's other contact.
func (p person) contacts() (contact, other string) {
	if p.method == "sms" {
		return p.e164, p.email
	}
	return p.email, p.e164
}

// body is the body of its call, as the program sends it.
func (p person) body() string {
	if p.method == "sms" {
		return `{"contact_information":{"phone":"` + p.e164 + `","phone_country":"` + p.country + `"},"method":"sms"}`
	}
	return `{"contact_information":{"email":"` + p.email + `"},"method":"email"}`
}

// The kinds of inputs.
const (
	csvInput    = "CSV"
	inlineInput = "XLSX inline"
	sharedInput = "XLSX shared"
)

// input makes a file of a kind with so many rows, once.
func (b *bench) input(ctx context.Context, kind string, rows int) (path string, err error) {
	task, ext := "make-xlsx", "xlsx"
	if kind == csvInput {
		task, ext = "make-csv", "csv"
	}
	path = filepath.Join(b.folder, fmt.Sprintf("%s-%d.%s", kind[len(kind)-3:], rows, ext))
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	_, err = own(ctx, task, path, strconv.Itoa(rows), kind)
	return path, err
}

// target reads a task's first arguments: a path and a number of rows.
func target(args []string) (path string, rows int, err error) {
	rows, err = strconv.Atoi(args[1])
	return args[0], rows, err
}

func makeCSV(args []string) (func() (int, error), error) {
	path, rows, err := target(args)
	return func() (int, error) {
		f, err := os.Create(path)
		if err != nil {
			return 0, err
		}
		defer f.Close()
		w := csv.NewWriter(f)
		w.Write(columns)
		for i := range rows {
			w.Write(personAt(i).cells())
		}
		w.Flush()
		return rows, w.Error()
	}, err
}

func makeXLSX(args []string) (func() (int, error), error) {
	path, rows, err := target(args)
	return func() (int, error) { return rows, makeBook(path, rows, args[2] == sharedInput) }, err
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

// makeBook writes a workbook as spreadsheet programs do: texts in the sheet, or each once in the table
// of shared strings.
func makeBook(path string, rows int, shared bool) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	z := zip.NewWriter(f)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestSpeed) })
	for _, p := range [][2]string{{"[Content_Types].xml", contentTypes}, {"_rels/.rels", rootRels}, {"xl/workbook.xml", bookXML}, {"xl/_rels/workbook.xml.rels", bookRels}} {
		w, err := z.Create(p[0])
		if err == nil {
			_, err = io.WriteString(w, p[1])
		}
		if err != nil {
			return err
		}
	}
	w, err := z.Create("xl/worksheets/sheet1.xml")
	if err != nil {
		return err
	}
	table := &stringTable{index: map[string]int{}}
	out := bufio.NewWriterSize(w, 64<<10)
	out.WriteString(declared + `<worksheet xmlns="` + sheetML + `"><sheetData>`)
	for r := range rows + 1 {
		cells := columns
		if r > 0 {
			cells = personAt(r - 1).cells()
		}
		fmt.Fprintf(out, `<row r="%d" spans="1:8">`, r+1)
		for c, text := range cells {
			at := string(rune('A'+c)) + strconv.Itoa(r+1)
			switch {
			case text == "":
			case c >= 6 && r > 0:
				out.WriteString(`<c r="` + at + `"><v>` + text + `</v></c>`)
			case shared:
				out.WriteString(`<c r="` + at + `" t="s"><v>` + strconv.Itoa(table.of(text, c != 0 && c != 4)) + `</v></c>`)
			default:
				out.WriteString(`<c r="` + at + `" t="inlineStr"><is><t>` + text + `</t></is></c>`)
			}
		}
		out.WriteString(`</row>`)
	}
	out.WriteString(`</sheetData></worksheet>`)
	if err := out.Flush(); err != nil {
		return err
	}
	if w, err = z.Create("xl/sharedStrings.xml"); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, `%s<sst xmlns="%s" count="%d" uniqueCount="%d">`, declared, sheetML, table.used, len(table.items)); err != nil {
		return err
	}
	out.Reset(w)
	for _, text := range table.items {
		out.WriteString(`<si><t>` + text + `</t></si>`)
	}
	out.WriteString(`</sst>`)
	if err := out.Flush(); err != nil {
		return err
	}
	return z.Close()
}

// stringTable is a table of shared strings in the making.
type stringTable struct {
	items []string
	index map[string]int // of those that may come again
	used  int
}

// of gives the index of a string. What cannot repeat is not remembered.
func (t *stringTable) of(text string, repeats bool) int {
	t.used++
	if i, ok := t.index[text]; ok && repeats {
		return i
	}
	t.items = append(t.items, text)
	if repeats {
		t.index[text] = len(t.items) - 1
	}
	return len(t.items) - 1
}
