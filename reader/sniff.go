package reader

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"strings"

	"golang.org/x/text/encoding/unicode"

	"hppsend/pipeline"
)

// content is what the bytes of a file are, whatever its name says.
type content uint8

const (
	plain content = iota
	gzipped
	workbook
)

// problem is what is wrong with a file and what to do about it.
type problem struct{ what, todo string }

func (p problem) at(path string, err error) error {
	return &pipeline.Error{Kind: pipeline.BadInput, Place: pipeline.Place{File: path}, Problem: p.what, Todo: p.todo, Err: err}
}

const (
	saveAs = "open it in a spreadsheet program and save it as .xlsx or CSV"
	export = "ask for the table itself, as .xlsx or CSV"
)

// foreign are formats that we know and do not read, by how they begin.
var foreign = []struct {
	begin string
	problem
}{
	{"%PDF", problem{"this is a PDF document", export}},
	{"\x89PNG", problem{"this is a picture (PNG)", export}},
	{"\xff\xd8\xff", problem{"this is a picture (JPEG)", export}},
	{"GIF8", problem{"this is a picture (GIF)", export}},
	{"{\\rtf", problem{"this is a text document (RTF)", export}},
	{"SQLite format 3\x00", problem{"this is a SQLite database", "export the table as CSV"}},
	{"PAR1", problem{"this is a Parquet file", "export the table as CSV"}},
	{"7z\xbc\xaf\x27\x1c", problem{"this is a 7-Zip archive", "unpack it and name the table in it"}},
	{"Rar!", problem{"this is a RAR archive", "unpack it and name the table in it"}},
	{"BZh", problem{"this is compressed with bzip2", "unpack it first"}},
	{"\xfd7zXZ", problem{"this is compressed with xz", "unpack it first"}},
	{"\x28\xb5\x2f\xfd", problem{"this is compressed with zstd", "unpack it first"}},
	{"PK\x05\x06", problem{"this is an empty zip archive", export}},
}

// sniff tells what a file is by its bytes.
func sniff(file io.ReaderAt, size int64) (content, problem, error) {
	head := make([]byte, 512)
	n, err := file.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return plain, problem{}, err
	}
	head = head[:n]
	if p := unsupportedFormat(head); p.what != "" {
		return plain, p, nil
	}
	switch {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return workbook, archive(file, size), nil
	case bytes.HasPrefix(head, []byte("\xd0\xcf\x11\xe0")):
		p, err := compound(file, size)
		return plain, p, err
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		return gzipped, packed(io.NewSectionReader(file, 0, size)), nil
	}
	return plain, problem{}, nil
}

// unsupportedFormat tells what a file is that begins like a format that we do not read.
func unsupportedFormat(head []byte) problem {
	for _, f := range foreign {
		if bytes.HasPrefix(head, []byte(f.begin)) {
			return f.problem
		}
	}
	start := bytes.ToLower(bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\ufeff")), " \t\r\n"))
	switch {
	case bytes.HasPrefix(start, []byte("<?xml")), bytes.HasPrefix(start, []byte("<workbook")):
		return problem{"this is an XML file", saveAs}
	case bytes.HasPrefix(start, []byte("<")):
		return problem{"this is a web page (HTML), whatever its name says", saveAs}
	case bytes.HasPrefix(start, []byte("{")), bytes.HasPrefix(start, []byte("[{")):
		return problem{"this is JSON, not a table", "export the table as CSV"}
	}
	return problem{}
}

// packed tells what a file compressed with gzip is that is not text. What cannot be unpacked is found
// out when it is read.
func packed(file io.Reader) problem {
	z, err := gzip.NewReader(file)
	if err != nil {
		return problem{}
	}
	head := make([]byte, 512)
	n, _ := io.ReadFull(z, head)
	switch head = head[:n]; {
	case bytes.Contains(head, []byte("<gnm:Workbook")):
		return problem{"this is a document of Gnumeric", saveAs}
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte("\x1f\x8b")):
		return problem{"this is compressed with gzip, and so is what is in it", "unpack it first"}
	}
	return unsupportedFormat(head)
}

// archive tells what a zip archive is that is not a workbook we read.
func archive(file io.ReaderAt, size int64) problem {
	z, err := zip.NewReader(file, size)
	if err != nil {
		return problem{"the workbook is damaged or cut off: " + err.Error(), "copy or download it again"}
	}
	for _, f := range z.File {
		name := strings.ToLower(strings.TrimPrefix(strings.ReplaceAll(f.Name, `\`, "/"), "/"))
		switch {
		case name == "xl/workbook.bin":
			return problem{"this is a binary workbook (.xlsb)", "open it in Excel and save it as .xlsx"}
		case strings.HasPrefix(name, "xl/"):
			return problem{}
		case name == "content.xml":
			return problem{"this is an OpenDocument file (.ods)", saveAs}
		case strings.HasSuffix(name, ".iwa"), name == "index.zip":
			return problem{"this is a document of Apple Numbers", "export it from Numbers as Excel (.xlsx) or CSV"}
		case strings.HasPrefix(name, "word/"):
			return problem{"this is a text document (.docx)", export}
		case strings.HasPrefix(name, "ppt/"):
			return problem{"this is a presentation (.pptx)", export}
		}
	}
	return problem{"this is a zip archive, not a workbook", "unpack it and name the table in it"}
}

// compound tells what an OLE compound file is. Encrypted workbooks are wrapped in one.
func compound(file io.ReaderAt, size int64) (problem, error) {
	const most = 64 << 20
	data, err := io.ReadAll(io.NewSectionReader(file, 0, min(size, most)))
	if err != nil {
		return problem{}, err
	}
	enc := unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM).NewEncoder()
	encrypted, err := enc.String("EncryptedPackage")
	if err != nil {
		return problem{}, err
	}
	if bytes.Contains(data, []byte(encrypted)) {
		return problem{
			"the workbook is protected with a password",
			"open it with the password and save a copy without one",
		}, nil
	}
	return problem{"this is an old Excel workbook (.xls) or another old Office file", saveAs}, nil
}
