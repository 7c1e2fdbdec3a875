package hpp_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"hppsend/internal/hpp"
	"hppsend/internal/sandbox"
	"hppsend/pipeline"
)

// TestVerdictsAgainstTheSandbox holds the verdict table against the emulator, one step a row. Whether
// the message went out is what the emulator knows; the verdict must allow for it.
func TestVerdictsAgainstTheSandbox(t *testing.T) {
	for _, tc := range []struct {
		step    string // as a script has it
		verdict pipeline.Verdict
		status  int
		code    string
	}{
		{"accept", pipeline.Accepted, 204, ""},
		{"{do: accept, status: 200}", pipeline.Accepted, 200, ""},
		{"expired", pipeline.Refused, 404, "NOT_FOUND"},
		{"disabled", pipeline.Refused, 400, "BAD_VALUE"},
		{"{do: refuse, status: 400, error_code: UNSUPPORTED_COUNTRY, message: no}", pipeline.Refused, 400, "UNSUPPORTED_COUNTRY"},
		{"{do: refuse, status: 409, error_code: X, message: no, body: message}", pipeline.Refused, 409, "X"},
		{"{do: refuse, status: 422, error_code: X, message: no, body: error_id}", pipeline.Refused, 422, "X"},
		{"forbidden", pipeline.RefusedByOther, 403, "http_403"},
		{"{do: error, status: 404}", pipeline.RefusedByOther, 404, "http_404"},
		{"{do: error, status: 400}", pipeline.RefusedByOther, 400, "http_400"},
		{"{do: gateway, status: 405}", pipeline.RefusedByOther, 405, "http_405"},
		{"throttled", pipeline.Throttled, 429, "throttled"},
		{"unavailable", pipeline.Unavailable, 503, "unavailable"},
		{"denied", pipeline.Denied, 401, "denied"},
		{"{do: gateway, status: 503}", pipeline.Unclear, 503, "no_clear_answer"},
		{"{do: gateway, status: 502, accepted: true}", pipeline.Unclear, 502, "no_clear_answer"},
		{"{do: gateway, status: 504, accepted: true}", pipeline.Unclear, 504, "no_clear_answer"},
		{"{do: error, status: 500}", pipeline.Unclear, 500, "no_clear_answer"},
		{"{do: error, status: 408}", pipeline.Unclear, 408, "no_clear_answer"},
		{"{do: redirect, status: 302, location: /elsewhere}", pipeline.Unclear, 302, "no_clear_answer"},
		{"{do: redirect, status: 308, location: \"https://example.com/\"}", pipeline.Unclear, 308, "no_clear_answer"},
		{"{do: hang, accepted: true}", pipeline.Unclear, 0, "no_clear_answer"},
		{"{do: accept, latency: 10s}", pipeline.Unclear, 0, "no_clear_answer"},
		{"reset_before", pipeline.Unclear, 0, "no_clear_answer"},
		{"{do: reset_after, accepted: true}", pipeline.Unclear, 0, "no_clear_answer"},
		{"cut", pipeline.Unclear, 400, "no_clear_answer"},
		{"{do: huge, size: 5000000}", pipeline.RefusedByOther, 400, "http_400"},
		{"{do: drip, latency: 1ms}", pipeline.Unclear, 400, "no_clear_answer"},
	} {
		t.Run(tc.step, func(t *testing.T) {
			t.Parallel()
			script, err := sandbox.LoadScript(strings.NewReader(fmt.Sprintf("sessions: {%q: [%s]}", "*", tc.step)))
			if err != nil {
				t.Fatal(err)
			}
			box := sandbox.New(sandbox.Config{Script: script})
			url, err := box.Start("127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { box.Close() })
			c, err := hpp.New(hpp.Config{
				Endpoint: url, Timeout: 700 * time.Millisecond, Concurrency: 1,
				Credentials: hpp.Credentials{Username: sandbox.DefaultUsername, Password: sandbox.DefaultPassword},
			})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			r := c.Send(t.Context(), pipeline.Distribution{Session: "s-1", Method: pipeline.Email, Contact: "anna@example.com"})
			if r.Verdict != tc.verdict || r.HTTPStatus != tc.status || r.Code != tc.code {
				t.Errorf("got %s, %d, %q (%s); want %s, %d, %q", r.Verdict, r.HTTPStatus, r.Code, r.Reason, tc.verdict, tc.status, tc.code)
			}
			stats := box.Stats()
			if stats.Calls != 1 {
				t.Errorf("%d calls arrived, want 1", stats.Calls)
			}
			if sent := stats.Accepted["s-1"] > 0; sent && r.Verdict != pipeline.Accepted && r.Verdict != pipeline.Unclear {
				t.Errorf("the message went out, and the verdict is %s", r.Verdict)
			}
			if (r.Verdict == pipeline.Accepted || r.Verdict == pipeline.Refused) && r.CorrelationID == "" {
				t.Error("the correlation id is lost")
			}
		})
	}
}
