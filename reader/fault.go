package reader

import (
	"fmt"
	"strings"
	"unicode"

	"hppsend/pipeline"
)

// traces are what hpp_raw says of a cell whose fault a report does not show: no more in its own cell.
var traces = map[string]string{
	pipeline.CodeFormulaWithoutValue: "formula without a value",
	pipeline.CodeDigitsLost:          "digits lost",
	pipeline.CodeUnclearFormat:       "shown otherwise by its format",
	pipeline.CodeLinkDiffers:         "link to",
	pipeline.CodeMarkedText:          "a part struck out, raised, lowered or invisible",
}

// faultOfReport gives the fault that a row of a report still has while its hpp_raw, which shows the row as
// it was, is not emptied: the cells of a report no longer show these faults.
func faultOfReport(p pipeline.Prior, raw string) pipeline.Finding {
	if trace, ok := traces[p.Code]; !(pipeline.Finding{Code: p.Code}).WholeRow() && (!ok || !strings.Contains(raw, trace)) {
		return pipeline.Finding{}
	}
	return pipeline.Finding{
		Code:   p.Code,
		Reason: "the row could not be read in the file that this report is on; mend its cells and then empty its hpp_raw cell",
	}
}

// struckOut is what hpp_raw says of a row that was struck out, and is treated so until it is emptied.
const struckOut = "struck out in the spreadsheet"

// guessedAddress is what hpp_raw says of a row whose e-mail address was read in an encoding that was
// guessed, and is treated so until it is emptied.
const guessedAddress = "the encoding of the e-mail address was guessed"

// joinRaw puts together what goes to hpp_raw; pasted into a spreadsheet, the parts are cells again.
func joinRaw(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "\t" + b
}

// controls finds a control character that is more than space round a value.
func controls(field, column, value string) pipeline.Finding {
	control := func(r rune) bool { return unicode.IsControl(r) || r == '\ufeff' }
	around := func(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) }
	if !strings.ContainsFunc(value, control) || !strings.ContainsFunc(strings.TrimFunc(value, around), control) {
		return pipeline.Finding{}
	}
	return pipeline.Finding{
		Code: pipeline.CodeControlCharacter, Field: field, Column: column,
		Reason: fmt.Sprintf("the cell in column %q holds a control character or a line break; type it anew", column),
	}
}

// clearField empties what cannot be used of a row because of the cell of one field: that cell, and both
// fields of the session where it is one of them, since they must agree.
func clearField(values []string, fields []column, field string) {
	ofSession := func(f string) bool { return f == fieldSession || f == fieldURL }
	for i, c := range fields {
		if c.field == field || ofSession(field) && ofSession(c.field) {
			values[i] = ""
		}
	}
}
