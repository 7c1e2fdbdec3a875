package hpp

import (
	"net/http"
	"net/url"
	"testing"

	"hppsend/pipeline"
)

func FuzzParseEndpoint(f *testing.F) {
	for _, seed := range []string{
		"https://api.klarna.com", "HTTPS://API.klarna.com.:0443/", "http://[::ffff:127.0.0.1]:80", "https://[2001:db8::1]",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		target, err := ParseEndpoint(raw)
		if err != nil {
			return
		}
		if again, err := ParseEndpoint(target.Origin); err != nil || again != target {
			t.Errorf("%q gives %+v, and that gives %+v, %v", raw, target, again, err)
		}
		if _, err := http.NewRequest(http.MethodPost, target.Origin+"/hpp", nil); err != nil {
			t.Errorf("%q gives %+v, to which no request can be made: %v", raw, target, err)
		}
	})
}

func FuzzSessionFromURL(f *testing.F) {
	const origin = "https://api.klarna.com"
	for _, seed := range []string{
		origin + "/hpp/v1/sessions/a/distribution", "https://API.klarna.com:443/hpp/v1/sessions/a;b/distribution",
		origin + "/hpp/v1/sessions/%2e%2e/distribution", origin + "/hpp/v1/sessions/é/distribution",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		session, err := SessionFromURL(raw, origin)
		if err != nil {
			return
		}
		u, err := url.Parse(origin + pathBefore + url.PathEscape(session) + pathAfter)
		if err != nil || u.Path != pathBefore+session+pathAfter {
			t.Errorf("%q gives the session %q, of which comes %v, %v", raw, session, u, err)
		}
	})
}

func FuzzJudge(f *testing.F) {
	f.Add(400, `{"error_code":"A","error_messages":["one"],"correlation_id":"c-1"}`)
	f.Add(503, `{"error_id":"1","error_type":"t","error_code":"A","error_message":"m"}`)
	f.Add(400, `{"error_code":1015,"error_messages":[[]]}`)
	f.Fuzz(func(t *testing.T, status int, body string) {
		r := judge(answer{status: status, header: http.Header{}, body: []byte(body)})
		if (r.Verdict == pipeline.Accepted) != (status/100 == 2) {
			t.Errorf("%d is %s", status, r.Verdict)
		}
		if r.Verdict == pipeline.Refused && (status/100 != 4 || r.Code == "" || body[0] == '[') {
			t.Errorf("%d %q is the row's fault: %+v", status, body, r)
		}
	})
}
