package hpp

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hppsend/pipeline"
)

func TestJudge(t *testing.T) {
	const object = `{"error_code":"BAD_VALUE","error_messages":["no such phone"],"correlation_id":"c-1"}`
	for _, c := range []struct {
		name    string
		status  int
		body    string
		err     error
		verdict pipeline.Verdict
		code    string
	}{
		{"the usual success", 204, "", nil, pipeline.Accepted, ""},
		{"any 2xx", 200, "{}", nil, pipeline.Accepted, ""},
		{"any 2xx", 299, "<html>", nil, pipeline.Accepted, ""},
		{"the status line is enough", 200, "{", io.ErrUnexpectedEOF, pipeline.Accepted, ""},
		{"even with an error object", 202, object, nil, pipeline.Accepted, ""},

		{"HPP's refusal", 400, object, nil, pipeline.Refused, "BAD_VALUE"},
		{"gone", 404, `{"error_code":"NOT_FOUND"}`, nil, pipeline.Refused, "NOT_FOUND"},
		{"any 4xx", 499, object, nil, pipeline.Refused, "BAD_VALUE"},
		{"one message", 400, `{"error_code":"X","error_message":"m"}`, nil, pipeline.Refused, "X"},
		{"an odd message", 400, `{"error_code":"X","error_messages":7}`, nil, pipeline.Refused, "X"},
		{"the newer shape", 400, `{"error_id":"1","error_type":"t","error_code":"X","error_message":"m"}`, nil, pipeline.Refused, "X"},
		{"white space about it", 400, " \r\n" + object + "\n", nil, pipeline.Refused, "BAD_VALUE"},

		{"a firewall", 403, "<html>", nil, pipeline.RefusedByOther, "http_403"},
		{"403 is never the row's", 403, object, nil, pipeline.RefusedByOther, "BAD_VALUE"},
		{"the status is enough", 403, "{", io.ErrUnexpectedEOF, pipeline.RefusedByOther, "http_403"},
		{"no object", 404, "", nil, pipeline.RefusedByOther, "http_404"},
		{"an object of others", 400, `{"message":"no"}`, nil, pipeline.RefusedByOther, "http_400"},
		{"Cloudflare's code is a number", 409, `{"error_code":1015}`, nil, pipeline.RefusedByOther, "http_409"},
		{"a code of nothing", 400, `{"error_code":" "}`, nil, pipeline.RefusedByOther, "http_400"},
		{"no object but a list", 400, `[` + object + `]`, nil, pipeline.RefusedByOther, "http_400"},
		{"two objects", 400, object + object, nil, pipeline.RefusedByOther, "http_400"},
		{"not whole", 400, object[:20], nil, pipeline.RefusedByOther, "http_400"},
		{"null", 400, "null", nil, pipeline.RefusedByOther, "http_400"},
		{"nested too deep", 400, strings.Repeat("[", maxBody), nil, pipeline.RefusedByOther, "http_400"},
		{"more than HPP ever says", 400, object + strings.Repeat(" ", maxBody), nil, pipeline.RefusedByOther, "http_400"},

		{"wrong credentials", 401, "", nil, pipeline.Denied, "denied"},
		{"wrong credentials", 401, object, io.ErrUnexpectedEOF, pipeline.Denied, "denied"},
		{"rate limit", 429, "", nil, pipeline.Throttled, "throttled"},
		{"rate limit", 429, object, io.ErrUnexpectedEOF, pipeline.Throttled, "throttled"},

		{"HPP's own 503", 503, object, nil, pipeline.Unavailable, "unavailable"},
		{"a gateway's 503", 503, "<html>", nil, pipeline.Unclear, "no_clear_answer"},
		{"cut off", 503, object, io.ErrUnexpectedEOF, pipeline.Unclear, "no_clear_answer"},
		{"cut off", 400, object, io.ErrUnexpectedEOF, pipeline.Unclear, "no_clear_answer"},
		{"time-out at the server", 408, object, nil, pipeline.Unclear, "no_clear_answer"},
		{"internal error", 500, object, nil, pipeline.Unclear, "no_clear_answer"},
		{"bad gateway", 502, "", nil, pipeline.Unclear, "no_clear_answer"},
		{"gateway time-out", 504, "", nil, pipeline.Unclear, "no_clear_answer"},
		{"redirect", 301, "", nil, pipeline.Unclear, "no_clear_answer"},
		{"redirect", 308, object, nil, pipeline.Unclear, "no_clear_answer"},
		{"not modified", 304, "", nil, pipeline.Unclear, "no_clear_answer"},
		{"another protocol", 101, "", nil, pipeline.Unclear, "no_clear_answer"},
		{"no known class", 600, object, nil, pipeline.Unclear, "no_clear_answer"},
		{"no known class", 999, "", nil, pipeline.Unclear, "no_clear_answer"},
	} {
		t.Run(fmt.Sprintf("%d %s", c.status, c.name), func(t *testing.T) {
			got := judge(answer{c.status, http.Header{}, []byte(c.body), c.err})
			if got.Verdict != c.verdict || got.Code != c.code || got.HTTPStatus != c.status {
				t.Errorf("got %s %q %d, want %s %q", got.Verdict, got.Code, got.HTTPStatus, c.verdict, c.code)
			}
			if (got.Reason == "") != (got.Verdict == pipeline.Accepted) {
				t.Errorf("%s with the reason %q", got.Verdict, got.Reason)
			}
		})
	}
}

func TestJudgeSaysWhatHPPSays(t *testing.T) {
	for body, want := range map[string]pipeline.Reply{
		`{"error_code":"A","error_messages":["one","","two",3],"error_message":"three","correlation_id":"c-1"}`: {
			Code: "A", Reason: "one; two; three", CorrelationID: "c-1",
		},
		`{"error_code":"A","error_messages":"one","correlation_id":{"x":1}}`: {Code: "A", Reason: "one"},
		`{"error_code":"A","error_messages":null}`:                           {Code: "A", Reason: "A"},
	} {
		want.Verdict, want.HTTPStatus = pipeline.Refused, 400
		got := judge(answer{400, http.Header{}, []byte(body), nil})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", body, diff)
		}
		want.CorrelationID = "from the header"
		got = judge(answer{400, http.Header{"Klarna-Correlation-Id": {"from the header"}}, []byte(body), nil})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s with a header (-want +got):\n%s", body, diff)
		}
	}
}

func TestQuota(t *testing.T) {
	for _, c := range []struct {
		limit, remaining string
		want             pipeline.Quota
	}{
		{"40, 40;w=1", "15", pipeline.Quota{Limit: 40, Remaining: 15, Window: time.Second}},
		{"100, 100;w=60", "0", pipeline.Quota{Limit: 100, Window: time.Minute}},
		{"40", " 40 ", pipeline.Quota{Limit: 40, Remaining: 40, Window: time.Second}},
		{"40, 40;w=10;burst=9", "1", pipeline.Quota{Limit: 40, Remaining: 1, Window: 10 * time.Second}},
		{"40, 40;w=soon", "1", pipeline.Quota{Limit: 40, Remaining: 1, Window: time.Second}},
		{"40, 40;w=4294967295", "1", pipeline.Quota{Limit: 40, Remaining: 1, Window: 5 * time.Minute}},
		{"", "", pipeline.Quota{}},
		{"40", "", pipeline.Quota{}},
		{"0", "0", pipeline.Quota{}},
		{"many", "3", pipeline.Quota{}},
		{"40", "-1", pipeline.Quota{}},
		{"99999999999999999999", "1", pipeline.Quota{}},
	} {
		h := http.Header{}
		h.Set("X-Ratelimit-Limit", c.limit)
		h.Set("X-Ratelimit-Remaining", c.remaining)
		if got := judge(answer{200, h, nil, nil}).Quota; got != c.want {
			t.Errorf("%q and %q: %+v, want %+v", c.limit, c.remaining, got, c.want)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC)
	date := func(d time.Duration) string { return now.Add(d).Format(http.TimeFormat) }
	for _, c := range []struct {
		after, reset, date string
		want               time.Duration
	}{
		{"", "", "", 0},
		{"2", "9", "", 2 * time.Second},
		{" 2 ", "", "", 2 * time.Second},
		{"", "1", "", time.Second},
		{"0", "1", "", time.Second},
		{"soon", "1", "", time.Second},
		{"-5", "1", "", time.Second},
		{"1.5", "", "", 0},
		{"301", "", "", 5 * time.Minute},
		{"18446744073", "", "", 5 * time.Minute},
		{"99999999999999999999999", "", "", 5 * time.Minute},
		{"", "1795867200", "", 5 * time.Minute},
		{date(7 * time.Second), "1", "", 7 * time.Second},
		{date(-7 * time.Second), "1", "", time.Second},
		{date(time.Hour), "", "", 5 * time.Minute},
		{date(time.Hour), "", date(time.Hour - 3*time.Second), 3 * time.Second},
	} {
		h := http.Header{"Retry-After": {c.after}, "X-Ratelimit-Reset": {c.reset}, "Date": {c.date}}
		if got := retryAfter(h, now); got != c.want {
			t.Errorf("%+v: got %v", c, got)
		}
	}
}
