package xlsx

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"runtime"
	"slices"
	"strings"

	"github.com/klauspost/readahead"
	"golang.org/x/sync/errgroup"

	"hppsend/pipeline"
)

// Limits bound what a book may make of this machine. Where one is zero the default holds.
type Limits struct {
	Unzipped int64 // bytes of all parts; 4 GiB
	Ratio    int   // bytes of a large part for each byte in the file; 300
	Strings  int64 // bytes of the string table; 1 GiB
	Skeleton int64 // bytes of the parts that are not sheets or strings, each; 32 MiB
}

func (l Limits) filled() Limits {
	or := func(v, d int64) int64 {
		if v == 0 {
			return d
		}
		return v
	}
	return Limits{or(l.Unzipped, 4<<30), int(or(int64(l.Ratio), 300)), or(l.Strings, 1<<30), or(l.Skeleton, 32<<20)}
}

// sheetsMost is how many sheets a workbook may have: each is looked at for our header.
const sheetsMost = 1000

// ratioFrom is the size, in bytes, from which on a part may be a bomb.
const ratioFrom = 16 << 20

// Book is an open workbook. It is not safe for concurrent use.
type Book struct {
	parts   map[string]*zip.File // by partName
	behind  map[string]bool      // which parts may have a layout behind the rows
	limits  Limits
	sheets  []Sheet
	looks   []look        // by style; one at the least
	changes []Conditional // that conditional formats make, by their number
	strings *table
	table   string // the part that has the strings; empty when there is none

	date1904 bool
}

// Sheet is a worksheet.
type Sheet struct {
	Name   string
	Hidden bool
	part   string
}

// Read reads a workbook of so many bytes, after every part was inflated and its checksum compared. What
// cannot be trusted is refused with a *Fault. What it is read from must stay open as long as it is used.
func Read(from io.ReaderAt, size int64, limits Limits) (*Book, error) {
	b := &Book{parts: map[string]*zip.File{}, behind: map[string]bool{}, limits: limits.filled()}
	zipped, err := zip.NewReader(from, size)
	if err != nil {
		return nil, &Fault{Problem: "the workbook is damaged: it is not a whole zip file", Err: err}
	}
	if err := b.check(zipped.File); err != nil {
		return nil, err
	}
	if err := b.readSkeleton(); err != nil {
		return nil, err
	}
	return b, nil
}

// Date1904 reports whether its dates count from 1904, as books from old Macs have it.
func (b *Book) Date1904() bool { return b.date1904 }

// Sheets are the worksheets, in order.
func (b *Book) Sheets() []Sheet { return b.sheets }

// check inflates every part once.
func (b *Book) check(files []*zip.File) error {
	if len(files) > 10_000 {
		return &Fault{Problem: "the workbook has too many parts to be one"}
	}
	left := uint64(b.limits.Unzipped)
	for _, f := range files {
		name := partName(f.Name)
		if b.parts[name] != nil {
			return &Fault{Part: f.Name, Problem: "the workbook is damaged: a part is in it twice"}
		}
		b.parts[name] = f
		if f.UncompressedSize64 > left {
			return &Fault{Part: f.Name, Problem: fmt.Sprintf("the workbook is larger than %d bytes when unzipped", b.limits.Unzipped)}
		}
		left -= f.UncompressedSize64
		if f.UncompressedSize64 > ratioFrom && f.UncompressedSize64/max(1, f.CompressedSize64) > uint64(b.limits.Ratio) {
			return &Fault{Part: f.Name, Problem: fmt.Sprintf("a part grows more than %d times when unzipped, as no real workbook does", b.limits.Ratio)}
		}
	}
	words := make([]finder, len(files))
	errs := make([]error, len(files)) // by part, so that of several the first in the file is told
	var parts errgroup.Group
	parts.SetLimit(runtime.GOMAXPROCS(0))
	for i, f := range files {
		parts.Go(func() error {
			return pipeline.Guarded(func() error {
				words[i].words = layoutWords
				errs[i] = inflate(f, &words[i])
				return nil
			})
		})
	}
	if err := parts.Wait(); err != nil {
		panic(err)
	}
	for i, f := range files {
		if errs[i] != nil {
			return &Fault{Part: f.Name, Problem: "the workbook is damaged", Err: errs[i]}
		}
		b.behind[partName(f.Name)] = words[i].found
	}
	return nil
}

// partName is how the name of a part compares: in lower case, and with the slashes that some programs
// write as backslashes or put before it.
func partName(name string) string {
	return strings.TrimPrefix(strings.ToLower(strings.ReplaceAll(name, `\`, "/")), "/")
}

func inflate(f *zip.File, w io.Writer) error {
	r, err := f.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(w, r)
	return err
}

// relationship is an entry of a part that says where other parts are.
type relationship struct {
	ID     string `xml:"Id,attr"`
	Type   string `xml:"Type,attr"`
	Target string `xml:"Target,attr"`
	Mode   string `xml:"TargetMode,attr"`
	given  string // Target as it is written
}

// relationships reads those of a part, with the targets as full names in lower case.
func (b *Book) relationships(of string) ([]relationship, error) {
	dir, base := path.Split(of)
	var parsed struct {
		All []relationship `xml:"Relationship"`
	}
	if err := b.decode(dir+"_rels/"+base+".rels", &parsed); err != nil {
		return nil, err
	}
	for i, r := range parsed.All {
		parsed.All[i].given = r.Target
		if r.Mode != "External" {
			target := strings.ReplaceAll(r.Target, `\`, "/")
			if !strings.HasPrefix(target, "/") {
				target = path.Join(dir, target)
			}
			parsed.All[i].Target = partName(path.Clean(target))
		}
	}
	return parsed.All, nil
}

func (b *Book) decode(part string, v any) error {
	d, err := b.decoder(part)
	if err != nil {
		return err
	}
	if err := d.Decode(v); err != nil {
		return &Fault{Part: part, Problem: "the workbook is damaged", Err: err}
	}
	return nil
}

// decoder reads a part that is small enough to be held in memory.
func (b *Book) decoder(part string) (*xml.Decoder, error) {
	f := b.parts[strings.ToLower(part)]
	if f == nil {
		return nil, &Fault{Part: part, Problem: "the workbook is damaged: a part is missing"}
	}
	if f.UncompressedSize64 > uint64(b.limits.Skeleton) {
		return nil, &Fault{Part: part, Problem: "a part is too large"}
	}
	var text bytes.Buffer
	if err := inflate(f, &text); err != nil {
		return nil, &Fault{Part: part, Problem: "the workbook is damaged", Err: err}
	}
	order := wideOrder(text.Bytes())
	if order == nil {
		return xml.NewDecoder(&text), nil
	}
	d := xml.NewDecoder(&wideReader{from: &text, order: order})
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil } // it is UTF-8 by now
	return d, nil
}

// sheetEntry is what the main part says of a sheet.
type sheetEntry struct {
	Name  string     `xml:"name,attr"`
	State string     `xml:"state,attr"`
	Attrs []xml.Attr `xml:",any,attr"`
}

// id gives the relationship by which the sheet is found.
func (s sheetEntry) id() (id string, given bool) {
	i := slices.IndexFunc(s.Attrs, func(a xml.Attr) bool { return a.Name.Local == "id" && a.Name.Space != "" })
	if i < 0 {
		return "", false
	}
	return s.Attrs[i].Value, true
}

// spare reports whether there are more parts that are sheets than sheets that name one: that of a sheet
// without an id may be among them.
func spare(entries []sheetEntry, rels []relationship) bool {
	n := 0
	for _, r := range rels {
		if strings.HasSuffix(strings.ToLower(r.Type), "sheet") {
			n++
		}
	}
	for _, s := range entries {
		if id, _ := s.id(); id != "" {
			n--
		}
	}
	return n > 0
}

// readSkeleton finds the sheets and the strings, and reads the styles.
func (b *Book) readSkeleton() error {
	top, err := b.relationships("")
	if err != nil {
		return err
	}
	i := slices.IndexFunc(top, func(r relationship) bool { return strings.HasSuffix(r.Type, "/officeDocument") })
	if i < 0 {
		return &Fault{Problem: "the file is no workbook: it names no main part"}
	}
	main := top[i].Target
	var workbook struct {
		Properties struct {
			Date1904 string `xml:"date1904,attr"`
		} `xml:"workbookPr"`
		Sheets []sheetEntry `xml:"sheets>sheet"`
	}
	if err := b.decode(main, &workbook); err != nil {
		return err
	}
	b.date1904 = workbook.Properties.Date1904 == "1" || workbook.Properties.Date1904 == "true"
	rels, err := b.relationships(main)
	if err != nil {
		return err
	}
	if n := len(workbook.Sheets); n > sheetsMost {
		return &Fault{Problem: fmt.Sprintf("the workbook has %d sheets, and %d at most are looked through: save the one that is meant as a workbook of its own", n, sheetsMost)}
	}
	for _, s := range workbook.Sheets {
		id, given := s.id()
		if given && id == "" && !spare(workbook.Sheets, rels) { // a module of Excel 5, which is in no part of its own
			continue
		}
		i := slices.IndexFunc(rels, func(r relationship) bool { return given && r.ID == id })
		if i < 0 || b.parts[rels[i].Target] == nil {
			return &Fault{Sheet: s.Name, Part: main, Problem: fmt.Sprintf("the workbook is damaged: its sheet %q is missing", s.Name)}
		}
		if slices.ContainsFunc(b.sheets, func(other Sheet) bool { return other.Name == s.Name }) {
			return &Fault{Sheet: s.Name, Part: main, Problem: fmt.Sprintf("the workbook is damaged: two sheets are called %q", s.Name)}
		}
		if strings.HasSuffix(rels[i].Type, "/worksheet") {
			b.sheets = append(b.sheets, Sheet{s.Name, s.State == "hidden" || s.State == "veryHidden", rels[i].Target})
		}
	}
	styles := ""
	for _, r := range rels {
		switch path.Base(r.Type) {
		case "sharedStrings":
			b.table = r.Target
		case "styles":
			styles = r.Target
		}
	}
	return b.readLooks(styles)
}

// readLooks reads the styles, if there are any.
func (b *Book) readLooks(part string) error {
	b.looks = []look{unstyled}
	if part == "" {
		return nil
	}
	if b.parts[part] == nil {
		return &Fault{Part: part, Problem: "the workbook is damaged: its styles are missing"}
	}
	d, err := b.decoder(part)
	if err != nil {
		return err
	}
	styles, err := readStyles(d)
	if err != nil {
		return &Fault{Part: part, Problem: "the workbook is damaged: its styles cannot be read", Err: err}
	}
	b.looks, b.changes = styles.looks(), styles.changes
	return nil
}

// loadStrings reads the string table, once it is needed.
func (b *Book) loadStrings() error {
	if b.strings != nil || b.table == "" {
		return nil
	}
	f := b.parts[b.table]
	if f == nil {
		return &Fault{Part: b.table, Problem: "the workbook is damaged: its string table is missing"}
	}
	r, err := ahead(f)
	if err == nil {
		defer r.Close()
		b.strings, err = readTable(r, int64(f.UncompressedSize64), b.limits.Strings)
	}
	if err != nil {
		return &Fault{Part: f.Name, Problem: "the workbook is damaged: its string table cannot be read", Err: err}
	}
	return nil
}

// part opens the part of a sheet.
func (b *Book) part(sheet string) (Sheet, io.ReadCloser, error) {
	i := slices.IndexFunc(b.sheets, func(s Sheet) bool { return s.Name == sheet })
	if i < 0 {
		return Sheet{}, nil, &Fault{Sheet: sheet, Problem: fmt.Sprintf("there is no sheet %q", sheet), Err: errors.New("no such sheet")}
	}
	s := b.sheets[i]
	r, err := ahead(b.parts[s.part])
	if err != nil {
		return s, nil, &Fault{Sheet: sheet, Part: s.part, Problem: "the sheet is damaged", Err: err}
	}
	return s, r, nil
}

// ahead opens a large part, which is inflated in a goroutine of its own until Close.
func ahead(f *zip.File) (io.ReadCloser, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	return readahead.NewReadCloserSize(r, 3, 128<<10)
}
