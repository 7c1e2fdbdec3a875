// Package xlsx reads the cells of a workbook, and sees every fault.
//
// A library that skips what it cannot read loses rows in silence. So the sheets and the string table are
// scanned here, strictly: what is not well formed, out of order, given twice or out of range is a
// [Fault], and a damaged book is refused whole. Every part is inflated once, and its checksum compared,
// before the first row. A fault never shows what stands in a cell.
//
// A [Cell] tells what is stored and what a person sees, since a format may add a calling code to a
// number. Formats are in format.go and section.go; what is not sure to look the same in every
// spreadsheet program is said to be unclear. Colours, but for white, and filters are not looked at, and
// no condition is evaluated but that of a number format.
//
// Memory grows with the string table (its bytes, and 4 for each string), and not with the rows. Start
// from [Open] and [Book.Rows]; the test with the build tag oracle reads what LibreOffice and openpyxl write.
package xlsx
