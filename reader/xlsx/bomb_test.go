package xlsx

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"
)

// frugal opens a workbook and reads its sheet; it is to be refused soon, with little memory.
func frugal(t *testing.T, name string, limits Limits, want string) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := time.Now()
	b, err := open(name, limits)
	if err == nil {
		_, err = rowsOf(b, "S")
	}
	took := time.Since(began)
	runtime.ReadMemStats(&after)
	faulty(t, err, want)
	if asked := (after.TotalAlloc - before.TotalAlloc) >> 20; took > 2*time.Second || asked > 64 {
		t.Errorf("it took %v and %d MiB", took, asked)
	}
}

func TestBombs(t *testing.T) {
	frugal(t, gigabyte(t), Limits{}, "grows more than 300 times")

	many := bare(data(""))
	for i := range 10_001 {
		many[fmt.Sprintf("xl/media/%d", i)] = "."
	}
	frugal(t, file(t, many.zip(t, zip.Store)), Limits{}, "too many parts")
	sheets := bare("")
	sheets["xl/workbook.xml"] = strings.Replace(sheets["xl/workbook.xml"], "</sheets>", strings.Repeat(`<sheet name="T" sheetId="2" r:id="rId1"/>`, sheetsMost)+"</sheets>", 1)
	frugal(t, file(t, sheets.zip(t, zip.Deflate)), Limits{}, "has 1001 sheets")

	small := bare(data(strings.Repeat("<row><c/></row>", 1000)))
	frugal(t, file(t, small.zip(t, zip.Deflate)), Limits{Unzipped: 10_000}, "larger than 10000 bytes")
	frugal(t, file(t, small.with("xl/workbook.xml", small["xl/workbook.xml"]+strings.Repeat(" ", 70<<10)).zip(t, zip.Deflate)),
		Limits{Skeleton: 64 << 10}, "too large (xl/workbook.xml)")
	frugal(t, file(t, small.with("xl/styles.xml", small["xl/styles.xml"]+strings.Repeat(" ", 70<<10)).zip(t, zip.Deflate)),
		Limits{Skeleton: 64 << 10}, "too large (xl/styles.xml)")
	table := "<sst>" + strings.Repeat("<si><t>0123456789</t></si>", 1000) + "</sst>"
	frugal(t, file(t, small.with("xl/sharedStrings.xml", table).zip(t, zip.Deflate)), Limits{Strings: 10_000}, "strings are too many")

	long := "<row><c t='str'><v>" + strings.Repeat("x", 5<<20) + "</v></c></row>"
	frugal(t, file(t, bare(data(long)).zip(t, zip.Deflate)), Limits{}, "too long")
	frugal(t, file(t, bare(data("<row "+strings.Repeat("x", 5<<20)+"/>")).zip(t, zip.Deflate)), Limits{}, "too long")
	deep := strings.Repeat("<a>", 1<<20)
	frugal(t, file(t, bare(data(deep)).zip(t, zip.Deflate)), Limits{}, "too deep")
}

// gigabyte gives a workbook whose sheet is so large, and whose file is about a megabyte.
func gigabyte(t *testing.T) string {
	t.Helper()
	var block bytes.Buffer
	w, err := flate.NewWriter(&block, flate.BestCompression)
	if err == nil {
		_, err = io.WriteString(w, strings.Repeat("<c/>", 1<<18))
	}
	if err = errors.Join(err, w.Flush()); err != nil { // from here the block may be repeated
		t.Fatal(err)
	}
	all := append(bytes.Repeat(block.Bytes(), 1<<10), 1, 0, 0, 0xff, 0xff)
	p := bare("").with("xl/worksheets/sheet1.xml", "")
	return packed(t, p, zip.FileHeader{Name: "xl/worksheets/sheet1.xml", Method: zip.Deflate, UncompressedSize64: 1 << 30}, all)
}

// packed writes a workbook with one more part, whose header and bytes are taken as they are.
func packed(t *testing.T, p parts, h zip.FileHeader, raw []byte) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	h.CompressedSize64 = uint64(len(raw))
	part, err := w.CreateRaw(&h)
	if err == nil {
		_, err = part.Write(raw)
	}
	for name, text := range p {
		if err == nil {
			part, err = w.Create(name)
		}
		if err == nil {
			_, err = io.WriteString(part, text)
		}
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return file(t, b.Bytes())
}

// A directory may lie about sizes: so large that their sum begins anew, or not what comes out.
func TestSizesThatLie(t *testing.T) {
	const sheet = "xl/worksheets/sheet1.xml"
	p := bare(data(oneCell))
	raw := []byte(p[sheet])
	for _, size := range []uint64{1<<64 - 1, 1 << 40, 10, 1000} {
		h := zip.FileHeader{Name: sheet, Method: zip.Store, CRC32: crc32.ChecksumIEEE(raw), UncompressedSize64: size}
		_, err := open(packed(t, p.with(sheet, ""), h, raw), Limits{})
		faulty(t, err, "(xl/worksheets/sheet1.xml)")
	}
}
