package writer

import (
	"encoding/csv"
	"fmt"

	"github.com/xuri/excelize/v2"

	"hppsend/pipeline"
)

// The template: the headers, a row that shows how they are filled in, and what each means. The row's
// session can be none, so that it is never sent when somebody leaves it in.
var (
	templateHeader  = []string{"session_id", "method", "phone", "phone_country", "email", "reference"}
	templateExample = []string{"an example, to be deleted", "sms", "+46701740605", "SE", "anna@example.com", "order 1001"}
	templateHelp    = []string{
		"How to fill in the sheet Sessions",
		"One row for each session. The columns may stand in any order, and you may add others: they travel to the report untouched.",
		"session_id: the HPP session, such as 0b1bd7a1-5c1f-4f5e-9b62-0d3c2f6f8a11. A column distribution_url with the session's full URL does as well.",
		"method: sms or email. Empty: whichever contact is there; with both, e-mail unless you run with --prefer sms.",
		"phone: with the country's code, such as +46 70 174 06 05, or local together with phone_country. The column is formatted as text, so that no zero and no plus is lost.",
		"phone_country: the country of a local number, such as SE, SWE or Sweden.",
		"email: one address, without a name.",
		"Delete the example row; it is refused if it stays. Then: hppsend check FILE says what would be sent, and what is wrong.",
	}
)

// Template writes an empty spreadsheet with our headers to a path where nothing is yet. The file is
// for people to fill in, so its mode is 0600 as a report's is. An error is a *[pipeline.Error].
func Template(path string, format pipeline.Format) error {
	d, err := newDraft(path, "")
	if err != nil {
		return err
	}
	defer d.discard()
	switch format {
	case pipeline.CSV:
		w := csv.NewWriter(d)
		err = w.WriteAll([][]string{templateHeader, templateExample})
	case pipeline.XLSX:
		err = writeTemplate(d)
	default:
		err = fmt.Errorf("a template cannot be written as %q", string(format))
	}
	if err == nil {
		_, err = d.finish()
	}
	if err == nil {
		err = d.place(path, nil)
	}
	if err != nil {
		return d.fault(err)
	}
	return nil
}

func writeTemplate(d *draft) error {
	book := excelize.NewFile()
	defer book.Close()
	s, err := newStyles(book)
	if err != nil {
		return err
	}
	const sheet, help = "Sessions", "Help"
	if err := book.SetSheetName("Sheet1", sheet); err != nil {
		return err
	}
	if _, err := book.NewSheet(help); err != nil {
		return err
	}
	last, err := excelize.ColumnNumberToName(len(templateHeader))
	if err != nil {
		return err
	}
	wrapped, err := book.NewStyle(&excelize.Style{Alignment: &excelize.Alignment{WrapText: true, Vertical: "top"}})
	if err != nil {
		return err
	}
	steps := []error{
		book.SetColStyle(sheet, "A:"+last, s.text), // also in rows that are still to be written
		book.SetColWidth(sheet, "A", "A", 40),
		book.SetColWidth(sheet, "B", last, 18),
		book.SetColWidth(sheet, "E", "E", 32),
		book.SetSheetRow(sheet, "A1", &templateHeader),
		book.SetSheetRow(sheet, "A2", &templateExample),
		book.SetCellStyle(sheet, "A1", last+"1", s.ourHeader),
		book.SetCellStyle(sheet, "A2", last+"2", s.text),
		book.SetPanes(sheet, &excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}),
		book.SetColWidth(help, "A", "A", 100),
	}
	for i, line := range templateHelp {
		cell := fmt.Sprintf("A%d", i+1)
		steps = append(steps, book.SetCellStr(help, cell, line), book.SetCellStyle(help, cell, cell, wrapped))
	}
	for _, err := range steps {
		if err != nil {
			return err
		}
	}
	return book.Write(d)
}
