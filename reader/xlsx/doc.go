// Package xlsx reads the cells of a workbook, and sees every fault.
//
// A library that skips what it cannot read loses rows in silence. So excelize reads only the number
// formats of a book; the sheets and the string table are scanned here, strictly: what is not well formed,
// out of order, given twice or out of range is a [Fault], and a damaged book is refused whole. Every
// part is inflated once, and its checksum compared, before the first row. A fault never shows what
// stands in a cell.
//
// Memory grows with the string table (its bytes, and 4 for each string), and not with the rows. Start
// from [Open] and [Book.Rows]; the test with the build tag oracle reads what LibreOffice and openpyxl write.
package xlsx
