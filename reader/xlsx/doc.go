// Package xlsx reads the cells of a workbook, and sees every fault.
//
// A library that skips what it cannot read loses rows in silence. So excelize reads only the skeleton of
// a book, its list of sheets and its number formats; the sheets and the string table are scanned here,
// strictly: what is not well formed, out of order, given twice or out of range is a [Fault], and a
// damaged book is refused whole. Every part is inflated once, and its checksum compared, before the
// first row.
//
// Memory grows with the string table (its bytes, and 4 for each string), and not with the rows. Start
// from [Open] and [Book.Rows].
package xlsx
