// Package reader turns CSV and XLSX files into rows of the pipeline.
//
// It says what it took a file for ([File.Input]) and is never silently wrong: what it cannot prove is
// a row with a fault, or an error that refuses the file. A row is not judged here; whether a contact
// is one is asked elsewhere. The name of a file says nothing: its bytes do.
//
// Start from [Open]. The rules of the formats are in csv.go (records), dialect.go, encoding.go,
// header.go and sheet.go; the headers that are known are in synonyms.go.
package reader

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"slices"
	"sync"
	"syscall"

	"hppsend/pipeline"
)

// Options say what is not to be found out.
type Options struct {
	Sheet     string            // of a workbook
	HeaderRow int               // as a spreadsheet program shows it; 0: it is looked for
	Map       map[string]string // field to column; of an empty column the field is not sent to, and only read for the rules
	OptOut    []string          // columns that say who is not to be messaged, and hold
	NoOptOut  []string          // columns that seem to, and do not
	AnyOptOut bool              // columns of which neither is said are passed over: nothing will be sent
	Delimiter rune              // ASCII; 0: it is looked for
	Encoding  string            // as web pages name it; empty: it is looked for
	Ragged    string            // "pad" fills short rows up with empty cells; else they are faults
	Sessions  bool              // a header without a contact will do: rows are only looked up
	Stdin     io.Reader         // what the path Stdin stands for
	Mends     []Mend            // each of another cell
	Kept      *Kept             // where the file lies, if not under its path; nil: there

	watch func(io.ReaderAt) io.ReaderAt // of the tests: sees what is read
}

// Kept is a file that lies under another path than its name, and in another form than its bytes.
type Kept struct {
	Path  string
	Bytes func(*os.File) (bytes io.ReaderAt, size int64, err error)
}

// RaggedPad is the value of Options.Ragged that fills short rows up.
const RaggedPad = "pad"

func (o Options) check(at pipeline.Place) error {
	for field := range o.Map {
		if !slices.Contains(fieldNames, field) && field != pipeline.FieldExpires {
			return &pipeline.Error{
				Kind:  pipeline.BadInput,
				Place: at, Problem: fmt.Sprintf("--map names %q, which is no field of ours", field),
				Todo: fmt.Sprintf("the fields are %q", fieldNames),
			}
		}
	}
	if d := o.Delimiter; d < 0 || d > 0x7e || d == '"' || d == '\n' || d == '\r' {
		return &pipeline.Error{
			Kind:  pipeline.BadInput,
			Place: at, Problem: fmt.Sprintf("%q cannot be a delimiter", d), Todo: "it is one ASCII character, such as ; or ,",
		}
	}
	if o.Ragged != "" && o.Ragged != RaggedPad {
		return &pipeline.Error{
			Kind:  pipeline.BadInput,
			Place: at, Problem: fmt.Sprintf("%q is no way to take ragged rows", o.Ragged), Todo: "leave --ragged out, or say --ragged pad",
		}
	}
	return nil
}

// File is an open input. It implements [pipeline.Source]. Its rows can be read by one loop at a time.
type File struct {
	file   *os.File
	bytes  io.ReaderAt // of file
	info   fs.FileInfo // when it was opened
	spool  *spooled    // of standard input
	sum    [32]byte    // of bytes
	format format
	header header

	mu     sync.Mutex
	input  pipeline.Input
	found  []string // notices of the last complete pass
	passed bool     // there was one
}

// format is how the rows of a file are read.
type format interface {
	// rows gives every data row to the mapper, in order, until it wants no more.
	rows(h header, m *mapper) (notices []string, err error)
}

// Stdin is the path of standard input.
const Stdin = "-"

// Open is OpenContext without an end.
func Open(path string, opt Options) (*File, error) {
	return OpenContext(context.Background(), path, opt)
}

// OpenContext reads a file once, to tell its hash and its encoding, and finds its header. Standard input
// is kept in a private file until Close; waiting for it ends with the context, whose error is then
// returned. What is refused is refused with an *[pipeline.Error]. The caller closes the File.
func OpenContext(ctx context.Context, path string, opt Options) (*File, error) {
	at := pipeline.Place{File: path}
	f, err := opened(ctx, path, opt)
	if err != nil {
		return nil, err
	}
	if err := f.open(at, opt); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// opened is a file of which nothing has been read.
func opened(ctx context.Context, path string, opt Options) (*File, error) {
	if err := opt.check(pipeline.Place{File: path}); err != nil {
		return nil, err
	}
	f := &File{input: pipeline.Input{Path: path}}
	if path == Stdin {
		in, err := spool(ctx, opt.Stdin)
		if err != nil {
			return nil, err
		}
		f.file, f.spool = in.file, &in
	} else {
		at := path
		if opt.Kept != nil {
			at = opt.Kept.Path
		}
		var err error
		if f.file, err = OpenRegular(at); err != nil {
			return nil, err
		}
	}
	f.bytes = f.file
	if opt.watch != nil {
		f.bytes = opt.watch(f.file)
	}
	return f, nil
}

// OpenRegular opens a regular file for reading. What is none is refused before it is opened: to open a pipe
// that nobody writes to waits for ever, and to open a device may do more than that. It is asked again of what
// was opened, which may be another file by then. Its error is an *[pipeline.Error].
func OpenRegular(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, cannotOpen(path, err)
	}
	if err := regular(path, info); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, cannotOpen(path, err)
	}
	if info, err = file.Stat(); err != nil {
		err = cannotOpen(path, err)
	} else {
		err = regular(path, info)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// regular refuses what is no regular file.
func regular(path string, info fs.FileInfo) error {
	const todo = "save the table to a file first, or pipe it into - (standard input)"
	what := ""
	switch mode := info.Mode(); {
	case mode.IsDir():
		return problem{"this is a folder, not a file", "name the files in it"}.at(path, nil)
	case mode&fs.ModeNamedPipe != 0:
		what = "a pipe"
	case mode&fs.ModeSocket != 0:
		what = "a socket"
	case mode&fs.ModeDevice != 0:
		what = "a device"
	case !mode.IsRegular():
		what = "something else"
	default:
		return nil
	}
	return problem{"this is " + what + " and no regular file, and it has to be read more than once", todo}.at(path, nil)
}

// kind tells what the file is by its bytes, and refuses what we do not read.
func (f *File) kind(at pipeline.Place, opt Options) (content, error) {
	info, err := f.file.Stat()
	if err != nil {
		return plain, cannotOpen(at.File, err)
	}
	f.info, f.input.Size = info, info.Size()
	if opt.Kept != nil {
		if f.bytes, f.input.Size, err = opt.Kept.Bytes(f.file); err != nil {
			return plain, cannotRead(at, err)
		}
	}
	if f.input.Size == 0 {
		return plain, problem{"the file is empty", "see whether it was exported or copied to its end"}.at(at.File, nil)
	}
	kind, refused, err := sniff(f.bytes, f.input.Size)
	if err != nil {
		return plain, cannotRead(at, err)
	}
	if refused.what != "" {
		return plain, refused.at(at.File, nil)
	}
	return kind, nil
}

func (f *File) open(at pipeline.Place, opt Options) error {
	kind, err := f.kind(at, opt)
	if err != nil {
		return err
	}
	sum := sha256.New()
	bytes := io.TeeReader(io.NewSectionReader(f.bytes, 0, f.input.Size), sum)
	if kind == workbook {
		f.header, err = f.openBook(at, opt)
	} else {
		f.header, err = f.openText(at, opt, kind, bytes)
	}
	if err != nil {
		return err
	}
	f.describe()
	if err := f.mend(opt.Mends); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, bytes); err != nil {
		return cannotRead(at, err)
	}
	f.sum = [32]byte(sum.Sum(nil))
	f.input.SHA256 = Content(f.sum, opt.Mends)
	if touched, err := f.touched(); err != nil || touched { // the hash could be of other bytes than the header
		return cmp.Or(err, pipeline.Changed(at))
	}
	return nil
}

// describe says in the input what was found.
func (f *File) describe() {
	h := f.header
	f.input.HeaderRow = h.row
	f.input.IsReport = h.hpp != nil
	for _, i := range h.inputColumns {
		f.input.Columns = append(f.input.Columns, h.names[i])
	}
	for _, c := range h.fields {
		f.input.Mapped = append(f.input.Mapped, pipeline.Mapping{Field: c.field, Column: h.names[c.at]})
	}
	for _, c := range h.also {
		f.input.Also = append(f.input.Also, pipeline.Mapping{Field: c.field, Column: h.names[c.at]})
	}
	for _, w := range h.wishes {
		f.input.OptOut = append(f.input.OptOut, pipeline.OptOutColumn{Column: h.names[w.at], Consent: w.means == consent})
	}
	if f.input.ExpiresAt = h.expires; h.expires > 0 {
		f.input.Notices = append(f.input.Notices, fmt.Sprintf("the column %q says when the sessions expire", f.input.Columns[h.expires-1]))
	}
	switch {
	case h.skipped > 0:
		f.input.Notices = append(f.input.Notices,
			fmt.Sprintf("row %d was taken for the header; %s above it", h.row, passedOver(h.skipped, "row")))
	case h.row > 1:
		f.input.Notices = append(f.input.Notices, fmt.Sprintf("row %d was taken for the header", h.row))
	}
}

// Input says what the file was taken for. Notices on what was passed over in the rows are there once
// Batches has come to its end.
func (f *File) Input() pipeline.Input {
	f.mu.Lock()
	defer f.mu.Unlock()
	in := f.input
	in.Notices = slices.Concat(f.input.Notices, f.found)
	return in
}

// Batches yields every data row in order, each time from the start, in batches that are the caller's to keep.
// An error ends it and is an *[pipeline.Error]. The file is read in a goroutine of its own, which ends with the
// loop.
func (f *File) Batches() iter.Seq2[[]pipeline.Row, error] {
	return func(yield func([]pipeline.Row, error) bool) {
		m := newMapper(f.header)
		var notices []string
		var readErr error
		go func() {
			defer close(m.out)
			readErr = pipeline.Guarded(func() (err error) {
				notices, err = f.format.rows(f.header, m)
				if err == nil && !m.stopped && m.err == nil {
					err = f.wellRead(m)
				}
				if !m.stopped && m.err == nil {
					m.pass(err == nil)
				}
				return cmp.Or(m.err, err)
			})
		}()
		defer func() { // not before the reading has ended
			close(m.quit)
			for range m.out {
			}
		}()
		for rows := range m.out {
			if !yield(rows, nil) {
				return
			}
		}
		if readErr != nil {
			yield(nil, readErr)
			return
		}
		f.mu.Lock()
		f.found, f.passed = notices, true
		f.mu.Unlock()
	}
}

// wellRead refuses a file without any row, and one that has changed between its opening and the end of the
// first pass, of which the hash would not be that of the rows. Later passes are held to the first row by row.
func (f *File) wellRead(m *mapper) error {
	if f.passed {
		return nil
	}
	changed, err := f.changed()
	switch {
	case err != nil:
		return cannotRead(pipeline.Place{File: f.input.Path}, err)
	case changed:
		return pipeline.Changed(pipeline.Place{File: f.input.Path})
	case !m.any:
		return f.noRows()
	}
	if err := m.unclear.refusal(); err != nil {
		return err
	}
	return f.unmet(m.mended)
}

// noRows refuses a table that is a header and nothing else: who sends a list every night, without a look,
// is to hear of an export that came to nothing.
func (f *File) noRows() error {
	at := pipeline.Place{File: f.input.Path, Sheet: f.input.Sheet, Row: f.header.row, Line: f.header.line}
	return &pipeline.Error{
		Kind:  pipeline.BadInput,
		Place: at, Problem: "there is no row under the header", Todo: "see that the table was exported to its end; if it is empty, there is nothing to send",
	}
}

// Close releases the file. The File cannot be read after it.
func (f *File) Close() error {
	if f.spool != nil {
		return f.spool.close()
	}
	return f.file.Close()
}

func cannotOpen(path string, err error) error {
	err = cause(err)
	p := problem{"the file cannot be opened", "see that the path is right and that you may read it"}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		p, err = problem{"there is no such file", "see that the path is right"}, nil
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		p.todo = "name fewer files at once, or let the system allow more open files (ulimit -n)"
	}
	return p.at(path, err)
}

func cannotRead(at pipeline.Place, err error) error {
	return &pipeline.Error{Kind: pipeline.BadInput, Place: at, Problem: "the file cannot be read to its end", Todo: "copy it to a disk of this machine and try again", Err: err}
}

// passedOver counts: "passed over 1 row", "passed over 3 rows".
func passedOver(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("passed over %d %s", n, thing)
}
