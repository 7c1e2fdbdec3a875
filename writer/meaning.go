package writer

import (
	"strings"

	"hppsend/pipeline"
)

// advice is what a status or a code means, and what somebody can do about it.
type advice struct{ meaning, todo string }

var statusAdvice = map[pipeline.Status]advice{
	pipeline.Delivered: {"HPP accepted the message for sending, in this run or earlier. There is no receipt from the phone.", "Nothing."},
	pipeline.Rejected:  {"It cannot be sent as it stands: found by the check, or refused by HPP.", "Mend the row in this report, as hpp_reason says, and run the report. What was delivered is not sent again."},
	pipeline.Failed:    {"Surely not sent, and not the row's fault.", "Run the same command again."},
	pipeline.Uncertain: {"A call went out and no clear answer came back: it may have been sent.", "Ask Klarna, naming hpp_correlation_id and hpp_time, or the consumer. Then: hppsend settle, with what hpp_run says."},
	pipeline.Skipped:   {"Left out on purpose.", "Nothing, unless the reason surprises you."},
	pipeline.Pending:   {"Not reached, because the run was stopped before.", "Run the same command again: it goes on from here."},
}

const (
	mendCell = "Mend the cell in this report and run the report."
	askOnce  = "Nothing: it is not sent again."
	again    = "Mend the cause, then run the same command again."
)

// codeAdvice has the codes of our own, and those of HPP that are documented.
var codeAdvice = map[string]advice{
	pipeline.CodeAlreadyDelivered:        {"Delivered by an earlier run.", askOnce},
	pipeline.CodeSettledDelivered:        {"Somebody has settled that it was delivered.", askOnce},
	pipeline.CodeSettledNotSent:          {"Somebody has settled that it was not sent.", "Run the same command again."},
	pipeline.CodeSessionAlreadyDelivered: {"The session was delivered to another contact.", "Nothing, or make a new session for this contact."},
	pipeline.CodeDuplicateSession:        {"An earlier row has the same session.", "Nothing."},
	pipeline.CodeDeliveredElsewhere:      {"The report that was read says that it was delivered from another machine.", askOnce},
	pipeline.CodeUncertainElsewhere:      {"The report that was read says that it may have been delivered from another machine.", "Settle it on that machine; of a report made during a run, make it again when the run has ended."},
	pipeline.CodeNotDeliveredBefore:      {"A reminder is for sessions that were delivered before, and this one was not.", "Send it without --reminder."},
	pipeline.CodeTotalsRow:               {"The last row has none of our columns, and was taken for a total.", "Nothing."},
	pipeline.CodeHiddenRow:               {"The row is hidden or struck out in the spreadsheet.", "Show the row, or say --hidden send."},
	pipeline.CodeLinkDiffers:             {"A cell says one contact or session and links to another.", "Type the cell anew, without a link, and empty the row's hpp_raw cell."},
	pipeline.CodeInOtherRun:              {"A run is sending the session, or about to.", "See how that run ends; then run the same command again."},
	pipeline.CodeInFlight:                {"A call is under way while this report is written.", "Write the report again when the run has ended."},
	pipeline.CodeNotReached:              {"The run did not come to this row.", "Run the same command again."},
	pipeline.CodeInterrupted:             {"The run was cut off while a call was under way.", "Ask Klarna or the consumer; then: hppsend settle."},
	pipeline.CodeNoClearAnswer:           {"The call was made, and no clear answer came.", "Ask Klarna or the consumer; then: hppsend settle."},
	pipeline.CodeUnavailable:             {"HPP could not be reached, or said that it was unavailable.", "Run the same command again."},
	pipeline.CodeMissingSession:          {"The row has no session.", mendCell},
	pipeline.CodeBadSession:              {"What stands there is no session id: a phone number, a date, or characters that none has.", mendCell},
	pipeline.CodeBadURL:                  {"The distribution URL is not one of this target.", mendCell},
	pipeline.CodeSessionMismatch:         {"The session id and the distribution URL name different sessions.", mendCell},
	pipeline.CodeBadMethod:               {"The method is neither sms nor email.", mendCell},
	pipeline.CodeMissingContact:          {"The contact that the method needs is missing.", "Fill it in, or change the method, and run the report."},
	"missing_country":                    {"A local phone number without a country.", "Write it with a plus, fill in the country, or say --default-country."},
	"bad_country":                        {"The country is none that is known.", "Write a code such as SE, or a name, and run the report."},
	"bad_phone":                          {"The phone number is none, or is not the only one in its cell.", mendCell},
	"ambiguous_phone":                    {"The phone number can be read in two ways.", "Write it with its plus or its leading zero, and run the report."},
	"digits_lost":                        {"The spreadsheet program has lost digits of the number.", "Format the cell as text, type the number anew, and run the report."},
	"bad_email":                          {"The e-mail address is none, or is not the only one in its cell.", mendCell},
	"ragged_row":                         {"The row has more or fewer cells than the header.", "Mend the row, and empty its hpp_raw cell."},
	"unreadable":                         {"A stretch of the file could not be read as rows.", "Mend it in the original file, and run that."},
	"control_character":                  {"A cell holds a control character or a line break.", mendCell},
	"unclear_format":                     {"The cell's format shows something else than the cell holds.", "Format the cell as text, type what is meant, and empty the row's hpp_raw cell."},
	"marked_text":                        {"A part of the cell is struck out, raised, lowered or invisible.", "Type the cell anew, and empty the row's hpp_raw cell."},
	"cell_is_date":                       {"The spreadsheet program has made a date of the cell.", "Format the cell as text, type the value anew, and run the report."},
	"cell_is_boolean":                    {"The cell is TRUE or FALSE and not text.", "Type the value as text, and run the report."},
	"cell_is_error":                      {"The cell is an error such as #N/A.", "Mend the formula or type the value, and run the report."},
	"formula_without_value":              {"The cell is a formula that was never calculated.", "Open the original file, save it, and run it."},
	"merged_cell":                        {"The cell is merged with others.", "Unmerge it, fill in each row, and run the report."},
	pipeline.StopSignal:                  {"The run was stopped by hand or by the system.", "Run the same command again."},
	pipeline.StopLimit:                   {"The number of rows of --limit was reached.", "Run the same command again."},
	pipeline.StopDenied:                  {"HPP did not accept the credentials.", again},
	pipeline.StopIdentical:               {"The same refusal came again and again: it is not the rows that are wrong.", again},
	pipeline.StopRefusedByOther:          {"Something that is not HPP refused: a firewall, or a wrong endpoint.", again},
	pipeline.StopRejected:                {"Too many of the last answers were refusals.", again},
	pipeline.StopCanary:                  {"The first rows were not all accepted.", again},
	pipeline.StopUntil:                   {"The time of --until had come.", "Run the same command again."},
	pipeline.StopNothing:                 {"Nothing succeeded for too long.", again},
	pipeline.StopBroken:                  {"The run broke: the disk, the ledger or the input.", again},
	"throttled":                          {"HPP answered that there were too many calls.", "Run the same command again."},
	"NOT_FOUND":                          {"There is no such session, or it has expired.", "Make a new session."},
	"BAD_VALUE":                          {"HPP does not take a value, or the session may not be sent this way.", "See hpp_reason; ask Klarna, naming hpp_correlation_id."},
	"MISSING_CONTACT_DATA":               {"HPP misses a contact.", mendCell},
	"CONSTRAINT_VIOLATION":               {"HPP does not take a value.", mendCell},
	"UNSUPPORTED_COUNTRY":                {"HPP does not send to this country.", "Use e-mail for this row, or leave it out."},
}

// adviceOn gives the words for a code.
func adviceOn(code string) advice {
	if a, ok := codeAdvice[code]; ok {
		return a
	}
	if number, ok := strings.CutPrefix(code, "http_"); ok {
		return advice{"Refused with HTTP " + number + ", but not as HPP refuses a row: a firewall, a proxy, or a wrong endpoint.", again}
	}
	return advice{"HPP's own code; see hpp_reason beside the row.", "Ask Klarna, naming hpp_correlation_id."}
}
