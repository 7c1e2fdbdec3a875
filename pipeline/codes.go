package pipeline

import (
	"slices"
	"strings"

	"hppsend/internal/contact"
)

// The codes of outcomes, of what is found and of what is remarked. HPP's own error codes keep their spelling
// and are an open set; the codes of endings, which rows that were not reached carry, are StopSignal and on.
const (
	CodeAlreadyDelivered        = "already_delivered"
	CodeSessionAlreadyDelivered = "session_already_delivered"
	CodeDuplicateSession        = "duplicate_session"
	CodeDeliveredElsewhere      = "delivered_elsewhere"
	CodeUncertainElsewhere      = "uncertain_elsewhere"
	CodeNotDeliveredBefore      = "not_delivered_before"
	CodeOptedOut                = "opted_out"
	CodeSuppressed              = "suppressed"
	CodeSameContact             = "same_contact"
	CodeCoolingDown             = "cooling_down"
	CodeQuota                   = "quota"
	CodeHours                   = "hours"
	CodeTooLate                 = "too_late"
	CodeTotalsRow               = "totals_row"
	CodeHiddenRow               = "hidden_row"
	CodeInOtherRun              = "in_other_run"
	CodeInFlight                = "in_flight"
	CodeNotReached              = "not_reached"
	CodeThrottled               = "throttled"
	CodeInterrupted             = "interrupted"
	CodeSettledDelivered        = "settled_delivered"
	CodeSettledNotSent          = "settled_not_sent"
	CodeUnavailable             = "unavailable"
	CodeSessionCompleted        = "session_completed"
	CodeSessionCancelled        = "session_cancelled"
	CodeSessionDisabled         = "session_disabled"
	CodeSessionExpired          = "session_expired"
	CodePreflightUnclear        = "preflight_unclear"
	CodeNoClearAnswer           = "no_clear_answer"

	CodeMissingSession  = "missing_session"
	CodeBadSession      = "bad_session"
	CodeBadURL          = "bad_url"
	CodeSessionMismatch = "session_mismatch"
	CodeBadMethod       = "bad_method"
	CodeMissingContact  = contact.CodeMissing
	CodeMissingCountry  = contact.CodeMissingCountry
	CodeBadCountry      = "bad_country"
	CodeBadPhone        = contact.CodeBadPhone
	CodeAmbiguousPhone  = contact.CodeAmbiguous
	CodeBadEmail        = contact.CodeBadEmail
	CodeLinkDiffers     = "link_differs"
	CodeBadExpiry       = "bad_expires_at"

	CodeUnreadable          = "unreadable"
	CodeRagged              = "ragged_row"
	CodeControlCharacter    = "control_character"
	CodeCellIsDate          = "cell_is_date"
	CodeCellIsBoolean       = "cell_is_boolean"
	CodeCellIsError         = "cell_is_error"
	CodeFormulaWithoutValue = "formula_without_value"
	CodeDigitsLost          = contact.CodeDigitsLost
	CodeUnclearFormat       = "unclear_format"
	CodeMarkedText          = "marked_text"
	CodeMergedCell          = "merged_cell"

	CodeUnusualSession  = "unusual_session"
	CodeUnusualPhone    = "unusual_phone"
	CodeUnusualEmail    = "unusual_email"
	CodeGuessedEncoding = "guessed_encoding"
)

// Resend says whether a later run sends a row.
type Resend string

// When a later run sends a row.
const (
	SentAlways  Resend = "always"
	SentNever   Resend = "never"
	SentChanged Resend = "once the row, or the command, has changed"
	SentSettled Resend = "once it is settled that it was not sent"
)

// Code is what a code means.
type Code struct {
	Code    string
	Status  Status // of the rows that carry it; empty for a remark on rows that are sent all the same
	Resend  Resend
	Meaning string // a sentence
	Todo    string // what somebody can do about it, likewise
}

const (
	askOnce  = "Nothing: it is not sent again."
	mendCell = "Mend the cell in this report and run the report."
	runAgain = "Run the same command again."
	again    = "Mend the cause, then run the same command again."
	askThem  = "Ask Klarna or the consumer; then: hppsend settle."
)

// codes are the codes of our own, and those of HPP that are documented, in the order in which people read them.
var codes = []Code{
	{CodeAlreadyDelivered, Delivered, SentNever, "Delivered by an earlier run.", askOnce},
	{CodeSettledDelivered, Delivered, SentNever, "Somebody, or hppsend track by its rule, has settled that it was delivered.", askOnce},

	{CodeMissingSession, Rejected, SentChanged, "The row has no session.", mendCell},
	{CodeBadSession, Rejected, SentChanged, "What stands there is no session id: a phone number, a date, or characters that none has.", mendCell},
	{CodeBadURL, Rejected, SentChanged, "The distribution URL is not one of this target.", mendCell},
	{CodeSessionMismatch, Rejected, SentChanged, "The session id and the distribution URL name different sessions.", mendCell},
	{CodeBadMethod, Rejected, SentChanged, "The method is neither sms nor email.", mendCell},
	{CodeMissingContact, Rejected, SentChanged, "The contact that the method needs is missing.", "Fill it in, or change the method, and run the report."},
	{CodeMissingCountry, Rejected, SentChanged, "A local phone number without a country.", "Write it with a plus, fill in the country, or say --default-country."},
	{CodeBadCountry, Rejected, SentChanged, "The country is none that is known.", "Write a code such as SE, or a name, and run the report."},
	{CodeBadPhone, Rejected, SentChanged, "The phone number is none, or is not the only one in its cell.", mendCell},
	{CodeAmbiguousPhone, Rejected, SentChanged, "The phone number can be read in two ways.", "Write it with its plus or its leading zero, and run the report."},
	{CodeUnusualPhone, Rejected, SentChanged, "No numbering plan knows the phone number.", "See that no digit is wrong, and mend the cell. It is a remark only, and the row is sent, unless --unusual-phones refuse was said."},
	{CodeDigitsLost, Rejected, SentChanged, "The spreadsheet program has lost digits of the number.", "Format the cell as text, type the number anew, and run the report."},
	{CodeBadEmail, Rejected, SentChanged, "The e-mail address is none, or is not the only one in its cell.", mendCell},
	{CodeRagged, Rejected, SentChanged, "The row has more or fewer cells than the header.", "Mend the row, and empty its hpp_raw cell."},
	{CodeUnreadable, Rejected, SentChanged, "A stretch of the file could not be read as rows.", "Mend it in the original file, and run that."},
	{CodeControlCharacter, Rejected, SentChanged, "A cell holds a control character or a line break.", mendCell},
	{CodeCellIsDate, Rejected, SentChanged, "The spreadsheet program has made a date of the cell.", "Format the cell as text, type the value anew, and run the report."},
	{CodeCellIsBoolean, Rejected, SentChanged, "The cell is TRUE or FALSE and not text.", "Type the value as text, and run the report."},
	{CodeCellIsError, Rejected, SentChanged, "The cell is an error such as #N/A.", "Mend the formula or type the value, and run the report."},
	{CodeFormulaWithoutValue, Rejected, SentChanged, "The cell is a formula that was never calculated.", "Open the original file, save it, and run it."},
	{CodeUnclearFormat, Rejected, SentChanged, "The cell's format shows something else than the cell holds.", "Format the cell as text, type what is meant, and empty the row's hpp_raw cell."},
	{CodeMarkedText, Rejected, SentChanged, "A part of the cell is struck out, raised, lowered or invisible.", "Type the cell anew, and empty the row's hpp_raw cell."},
	{CodeLinkDiffers, Rejected, SentChanged, "A cell says one contact or session and links to another.", "Type the cell anew, without a link, and empty the row's hpp_raw cell."},
	{CodeBadExpiry, Rejected, SentChanged, "It cannot be read when the session expires.", "Write it as 2026-12-24 18:00, or say --map expires_at= to leave the column out of account."},
	{CodeMergedCell, Rejected, SentChanged, "The cell is merged with others.", "Unmerge it, fill in each row, and run the report."},
	{CodeSessionExpired, Rejected, SentChanged, "The session had expired when it was looked at before its call (--preflight).", "Make a new session."},
	{"NOT_FOUND", Rejected, SentChanged, "There is no such session, or it has expired.", "Make a new session."},
	{"BAD_VALUE", Rejected, SentChanged, "HPP does not take a value, or the session may not be sent this way.", "See hpp_reason; ask Klarna, naming hpp_correlation_id."},
	{"MISSING_CONTACT_DATA", Rejected, SentChanged, "HPP misses a contact.", mendCell},
	{"CONSTRAINT_VIOLATION", Rejected, SentChanged, "HPP does not take a value.", mendCell},
	{"UNSUPPORTED_COUNTRY", Rejected, SentChanged, "HPP does not send to this country.", "Use e-mail for this row, or leave it out."},

	{CodeUnavailable, Failed, SentAlways, "HPP could not be reached, or said that it was unavailable.", runAgain},
	{CodeSettledNotSent, Failed, SentAlways, "Somebody has settled that it was not sent.", runAgain},

	{CodeNoClearAnswer, Uncertain, SentSettled, "The call was made, and no clear answer came.", askThem},
	{CodeInterrupted, Uncertain, SentSettled, "The run was cut off while a call was under way.", askThem},

	{CodeDuplicateSession, Skipped, SentNever, "An earlier row has the same session.", "Nothing."},
	{CodeSessionAlreadyDelivered, Skipped, SentNever, "The session was delivered to another contact.", "Nothing, or make a new session for this contact."},
	{CodeDeliveredElsewhere, Skipped, SentNever, "The report that was read says that it was delivered from another machine.", askOnce},
	{CodeUncertainElsewhere, Skipped, SentSettled, "The report that was read says that it may have been delivered from another machine.", "Settle it on that machine; of a report made during a run, make it again when the run has ended."},
	{CodeNotDeliveredBefore, Skipped, SentChanged, "A reminder is for sessions that were delivered before, and this one was not.", "Send it without --reminder."},
	{CodeOptedOut, Skipped, SentChanged, "The row itself says that the person has opted out.", "Nothing."},
	{CodeSuppressed, Skipped, SentChanged, "A suppression list names the person, or the person has asked to be forgotten.", "Nothing."},
	{CodeSameContact, Skipped, SentChanged, "An earlier row has the same contact, and --per-contact is first.", "Nothing, or send without --per-contact."},
	{CodeCoolingDown, Skipped, SentChanged, "The person was sent something within the time of --cooldown.", "Run the same command again once that time is over."},
	{CodeSessionCompleted, Skipped, SentChanged, "The session is paid: nobody who has paid is reminded to pay (--preflight).", "Nothing."},
	{CodeSessionCancelled, Skipped, SentChanged, "The session was cancelled (--preflight).", "Nothing, or make a new session."},
	{CodeSessionDisabled, Skipped, SentChanged, "The session was disabled (--preflight).", "Nothing, or make a new session."},
	{CodeHiddenRow, Skipped, SentChanged, "The row is hidden or struck out in the spreadsheet.", "Show the row, or say --hidden send."},
	{CodeTotalsRow, Skipped, SentChanged, "The last row has none of our columns, and was taken for a total.", "Nothing."},

	{CodeNotReached, Pending, SentAlways, "The run did not come to this row.", runAgain},
	{CodeInFlight, Pending, SentAlways, "A call is under way while this report is written.", "Write the report again when the run has ended."},
	{CodeInOtherRun, Pending, SentAlways, "A run is sending the session, or about to.", "See how that run ends; then run the same command again."},
	{CodePreflightUnclear, Pending, SentAlways, "It could not be seen how the session stands (--preflight).", "Run the same command again; or send what is unclear with --preflight-unclear send."},
	{CodeThrottled, Pending, SentAlways, "HPP answered that there were too many calls.", runAgain},
	{StopSignal, Pending, SentAlways, "The run was stopped by hand or by the system.", runAgain},
	{StopCancelled, Pending, SentAlways, "The run was cancelled by hppsend cancel.", runAgain},
	{StopLimit, Pending, SentAlways, "The number of rows of --limit was reached.", runAgain},
	{StopUntil, Pending, SentAlways, "The time of --until had come.", runAgain},
	{CodeTooLate, Skipped, SentChanged, "By rate, quotas and hours the session would have expired when its turn came.", "Make a new session, or widen --hours or --rate in time."},
	{CodeHours, Pending, SentAlways, "It was outside --hours, or a holiday, where the person is.", "Run the same command again within them, or say --wait."},
	{CodeQuota, Pending, SentAlways, "As many messages were sent in this hour, day or week as --max-sends allows.", "Run the same command again in the next one."},
	{StopDenied, Pending, SentAlways, "HPP did not accept the credentials.", again},
	{StopIdentical, Pending, SentAlways, "The same refusal came again and again: it is not the rows that are wrong.", again},
	{StopRefusedByOther, Pending, SentAlways, "Something that is not HPP refused: a firewall, or a wrong endpoint.", again},
	{StopRejected, Pending, SentAlways, "Too many of the last answers were refusals.", again},
	{StopCanary, Pending, SentAlways, "The first rows were not all accepted.", again},
	{StopNothing, Pending, SentAlways, "Nothing succeeded for too long.", again},
	{StopBroken, Pending, SentAlways, "The run broke: the disk, the ledger or the input.", again},

	{CodeUnusualSession, "", SentAlways, "The session id is not a UUID, as every known one is.", "See that the column holds session ids."},
	{CodeUnusualEmail, "", SentAlways, "The domain of the e-mail address looks like a typing error.", "See that it is right before you send."},
	{CodeGuessedEncoding, "", SentAlways, "Letters were read in an encoding that was guessed.", "Name it with --encoding."},
}

// Codes lists every code of our own, and those of HPP that are documented.
func Codes() []Code { return slices.Clone(codes) }

// CodeOf gives the meaning of a code, also of one that is not listed.
func CodeOf(code string) Code {
	if i := slices.IndexFunc(codes, func(c Code) bool { return c.Code == code }); i >= 0 {
		return codes[i]
	}
	if number, ok := strings.CutPrefix(code, "http_"); ok {
		return Code{code, Rejected, SentAlways, "Refused with HTTP " + number + ", but not as HPP refuses a row: a firewall, a proxy, or a wrong endpoint.", again}
	}
	return Code{code, Rejected, SentChanged, "HPP's own code; see hpp_reason beside the row.", "Ask Klarna, naming hpp_correlation_id."}
}
