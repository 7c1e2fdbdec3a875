package writer

import "hppsend/pipeline"

// advice is what a status means, and what somebody can do about it.
type advice struct{ meaning, todo string }

var statusAdvice = map[pipeline.Status]advice{
	pipeline.Delivered: {"HPP accepted the message for sending, in this run or earlier. There is no receipt from the phone.", "Nothing."},
	pipeline.Rejected:  {"It cannot be sent as it stands: found by the check, or refused by HPP.", "Mend the row in this report, as hpp_reason says, and run the report. What was delivered is not sent again."},
	pipeline.Failed:    {"Surely not sent, and not the row's fault.", "Run the same command again."},
	pipeline.Uncertain: {"A call went out and no clear answer came back: it may have been sent.", "Ask Klarna, naming hpp_correlation_id and hpp_time, or the consumer. Then: hppsend settle, with what hpp_run says."},
	pipeline.Skipped:   {"Left out on purpose.", "Nothing, unless the reason surprises you."},
	pipeline.Pending:   {"Not reached, because the run was stopped before.", "Run the same command again: it goes on from here."},
}
