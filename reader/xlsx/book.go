package xlsx

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"runtime"
	"slices"
	"strings"

	"github.com/klauspost/readahead"
	"github.com/xuri/excelize/v2"
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

// ratioFrom is the size, in bytes, from which on a part may be a bomb.
const ratioFrom = 16 << 20

// Book is an open workbook. It is not safe for concurrent use.
type Book struct {
	file    *os.File
	parts   map[string]*zip.File // by lower-case name
	merges  map[string]bool      // which parts may say that cells are merged
	limits  Limits
	sheets  []Sheet
	formats []format // by style
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

// Open opens a workbook, after every part was inflated and its checksum compared. What cannot be
// trusted is refused with a *Fault. The caller closes the Book.
func Open(name string, limits Limits) (_ *Book, err error) {
	b := &Book{parts: map[string]*zip.File{}, merges: map[string]bool{}, limits: limits.filled()}
	defer func() {
		if err != nil {
			b.Close()
		}
	}()
	if b.file, err = os.Open(name); err != nil {
		return nil, err
	}
	info, err := b.file.Stat()
	if err != nil {
		return nil, err
	}
	zipped, err := zip.NewReader(b.file, info.Size())
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

// Close lets go of the file and the string table.
func (b *Book) Close() error {
	b.strings = nil
	if b.file == nil {
		return nil
	}
	return b.file.Close()
}

// Date1904 tells whether its dates count from 1904, as books from old Macs have it.
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
		name := strings.ToLower(f.Name)
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
	merges := make([]finder, len(files))
	errs := make([]error, len(files)) // by part, so that of several the first in the file is told
	var parts errgroup.Group
	parts.SetLimit(runtime.GOMAXPROCS(0))
	for i, f := range files {
		parts.Go(func() error {
			return pipeline.Guarded(func() error {
				merges[i].word = []byte("mergeCell")
				errs[i] = inflate(f, &merges[i])
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
		b.merges[strings.ToLower(f.Name)] = merges[i].found
	}
	return nil
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
		if r.Mode != "External" {
			target := strings.TrimPrefix(r.Target, "/")
			if target == r.Target {
				target = path.Join(dir, target)
			}
			parsed.All[i].Target = strings.ToLower(path.Clean(target))
		}
	}
	return parsed.All, nil
}

func (b *Book) decode(part string, v any) error {
	f := b.parts[strings.ToLower(part)]
	if f == nil {
		return &Fault{Part: part, Problem: "the workbook is damaged: a part is missing"}
	}
	if f.UncompressedSize64 > uint64(b.limits.Skeleton) {
		return &Fault{Part: part, Problem: "a part is too large"}
	}
	var text bytes.Buffer
	err := inflate(f, &text)
	if err == nil {
		err = xml.Unmarshal(text.Bytes(), v)
	}
	if err != nil {
		return &Fault{Part: part, Problem: "the workbook is damaged", Err: err}
	}
	return nil
}

// readSkeleton finds the sheets, the strings and the number formats.
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
		Sheets []struct {
			Name  string     `xml:"name,attr"`
			State string     `xml:"state,attr"`
			Attrs []xml.Attr `xml:",any,attr"`
		} `xml:"sheets>sheet"`
	}
	if err := b.decode(main, &workbook); err != nil {
		return err
	}
	b.date1904 = workbook.Properties.Date1904 == "1" || workbook.Properties.Date1904 == "true"
	rels, err := b.relationships(main)
	if err != nil {
		return err
	}
	for _, s := range workbook.Sheets {
		id := slices.IndexFunc(s.Attrs, func(a xml.Attr) bool { return a.Name.Local == "id" && a.Name.Space != "" })
		i := slices.IndexFunc(rels, func(r relationship) bool { return id >= 0 && r.ID == s.Attrs[id].Value })
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
	return b.readFormats(styles)
}

// bareBook is what a workbook needs beside its styles.
var bareBook = map[string]string{
	"_rels/.rels": `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
		<Relationship Id="book" Target="xl/workbook.xml"
		Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"/></Relationships>`,
	"xl/workbook.xml": `<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"/>`,
}

// readFormats asks excelize for the number format of each style. It is given a book of nothing but
// styles, so that it neither keeps the sheets nor fails on them.
func (b *Book) readFormats(part string) (err error) {
	f := b.parts[part]
	switch {
	case part == "":
		return nil
	case f == nil:
		return &Fault{Part: part, Problem: "the workbook is damaged: its styles are missing"}
	case f.UncompressedSize64 > uint64(b.limits.Skeleton):
		return &Fault{Part: part, Problem: "a part is too large"}
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
		if err != nil {
			err = &Fault{Part: part, Problem: "the workbook is damaged: its styles cannot be read", Err: err}
		}
	}()
	var only bytes.Buffer
	w := zip.NewWriter(&only)
	for _, name := range []string{"_rels/.rels", "xl/workbook.xml", "xl/styles.xml"} {
		part, err := w.Create(name)
		if err != nil {
			return err
		}
		if bare, ok := bareBook[name]; ok {
			_, err = io.WriteString(part, bare)
		} else {
			err = inflate(f, part)
		}
		if err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	book, err := excelize.OpenReader(&only, excelize.Options{UnzipSizeLimit: b.limits.Skeleton, UnzipXMLSizeLimit: b.limits.Skeleton})
	if err != nil {
		return err
	}
	defer book.Close()
	for id := 0; ; id++ {
		style, err := book.GetStyle(id)
		if err != nil { // there are no more
			return nil
		}
		b.formats = append(b.formats, formatOf(style.NumFmt, style.CustomNumFmt))
	}
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
