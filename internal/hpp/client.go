package hpp

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"time"
	"unicode"

	"hppsend/internal/contact"
	"hppsend/pipeline"
)

const (
	// maxBody is more than an error of HPP's ever needs.
	maxBody = 64 << 10

	// drainTime is how long the body of an answer is waited for whose status says it all: it is read
	// for HPP's words, and to use the connection again.
	drainTime = time.Second

	maxReason, maxCode, maxCorrelationID = 300, 64, 128
)

// Config is what a client needs to know.
type Config struct {
	Endpoint    string // canonical origin, as in [Target]
	Credentials Credentials
	Timeout     time.Duration // of one call, from the dial to the last byte
	Concurrency int           // how many calls are made at once: so many idle connections are kept
	CAFile      string        // certificates trusted beside the system's, in PEM; may be empty
	UserAgent   string        // empty for "hppsend"
}

// Client makes calls to one target. It is safe for concurrent use and implements [pipeline.Sender] and
// [pipeline.Looker].
type Client struct {
	endpoint  string
	host      string
	timeout   time.Duration
	header    http.Header // of a send
	looking   http.Header // of a look
	transport *http.Transport
	secrets   *contact.Secrets
}

var (
	_ pipeline.Sender = (*Client)(nil)
	_ pipeline.Looker = (*Client)(nil)
)

// New checks the configuration, without a call, and gives a client that the caller closes. Its error
// joins every fault found, each a [*pipeline.Error] with a hint.
func New(cfg Config) (*Client, error) {
	var faults []error
	fault := func(problem, todo string) {
		faults = append(faults, &pipeline.Error{Kind: pipeline.Usage, Problem: problem, Todo: todo})
	}
	target, err := ParseEndpoint(cfg.Endpoint)
	if err != nil {
		faults = append(faults, err)
	}
	user, password := cfg.Credentials.Username, string(cfg.Credentials.Password)
	switch {
	case user == "" || password == "":
		fault("user name or password is missing", "set KLARNA_USERNAME and KLARNA_PASSWORD")
	case strings.ContainsFunc(user+password, unicode.IsControl):
		fault("user name or password holds a line break or a control character", "copy it again")
	case strings.Contains(user, ":"):
		fault("the user name holds a colon", "give user name and password apart")
	}
	switch {
	case target.Environment == Production && strings.HasPrefix(password, "klarna_test_api_"):
		fault("the password is a test key, but "+target.Origin+" is production",
			"use a key that begins with klarna_live_api_, or the playground")
	case target.Environment == Playground && strings.HasPrefix(password, "klarna_live_api_"):
		fault("the password is a live key, but "+target.Origin+" is a playground",
			"use a key that begins with klarna_test_api_, or production")
	}
	if cfg.Timeout <= 0 {
		fault(fmt.Sprintf("a time-out of %v leaves no time for a call", cfg.Timeout), "set one such as 30s")
	}
	if cfg.Concurrency < 1 {
		fault(fmt.Sprintf("a concurrency of %d makes no calls", cfg.Concurrency), "set 1 or more")
	}
	if strings.ContainsFunc(cfg.UserAgent, func(r rune) bool { return r < ' ' || r > '~' }) {
		fault("the user agent holds more than plain ASCII", "use plain letters, such as hppsend/1.0")
	}
	var roots *x509.CertPool
	if roots, err = loadRoots(cfg.CAFile); err != nil {
		faults = append(faults, err)
	}
	proxy, err := proxyFor()
	if err != nil {
		faults = append(faults, err)
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}

	token := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
	agent := cfg.UserAgent
	if agent == "" {
		agent = "hppsend"
	}
	c := &Client{
		endpoint: target.Origin,
		host:     target.Origin[strings.Index(target.Origin, "//")+2:],
		timeout:  cfg.Timeout,
		header: http.Header{
			"Accept":        {"application/json"},
			"Authorization": {"Basic " + token},
			"Cache-Control": {"no-cache"},
			"Content-Type":  {"application/json"},
			"User-Agent":    {agent},
		},
		transport: newTransport(cfg, roots, proxy),
		// The token goes by both alphabets; what else is made of the two holds the password.
		secrets: contact.NewSecrets(masked, token, base64.URLEncoding.EncodeToString([]byte(user+":"+password)), password),
	}
	c.looking = c.header.Clone()
	c.looking.Del("Content-Type") // there is no content
	return c, nil
}

// Format keeps the credentials out of fmt, which shows unexported fields as they are.
func (c *Client) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "hpp.Client(%s)", c.endpoint) }

// Close drops the idle connections. Calls under way end by themselves.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// Send makes one call, never more, and judges its answer. It returns within the time-out, or soon
// after ctx ends. The verdict is Unavailable only if not one byte of the request reached a socket,
// or HPP itself says so. What must not be made into a request is Refused without a call.
func (c *Client) Send(ctx context.Context, d pipeline.Distribution) pipeline.Reply {
	r := c.call(ctx, d)
	// The one way out for what servers say: nothing of it leaves without passing here.
	r.Code = cut(c.redact(printable(r.Code), d), maxCode)
	r.Reason = cut(c.redact(printable(r.Reason), d), maxReason)
	id := c.redact(printable(r.CorrelationID), d)
	if plain := ascii(id); plain != id { // which could bring together what another character held apart
		id = c.redact(plain, d)
	}
	r.CorrelationID = cut(id, maxCorrelationID)
	return r
}

func (c *Client) call(ctx context.Context, d pipeline.Distribution) pipeline.Reply {
	if code, err := check(d); err != nil {
		return pipeline.Reply{Verdict: pipeline.Refused, Code: code, Reason: err.Error()}
	}
	a, wrote, err := c.exchange(ctx, settled, func(ctx context.Context) (*http.Request, error) { return c.newRequest(ctx, d) })
	switch {
	case errors.Is(err, errNoRequest):
		return pipeline.Reply{
			Verdict: pipeline.Refused, Code: pipeline.CodeBadSession, Reason: "no request can be made of the session id",
		}
	case err != nil:
		return c.unanswered(wrote, err)
	}
	return judge(a)
}

// errNoRequest says that nothing could be made that can be sent.
var errNoRequest = errors.New("no request")

// exchange makes one call and reads its answer. Where the status says it all, as enough tells, the body is not
// waited for. Without a status line it gives why, and whether a byte of the call was written.
func (c *Client) exchange(ctx context.Context, enough func(status int) bool, request func(context.Context) (*http.Request, error)) (a answer, wrote bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	var m meter
	req, err := request(httptrace.WithClientTrace(ctx, m.trace()))
	if err != nil {
		return a, false, errNoRequest
	}
	// Not http.Client: it would follow redirects, and take one it cannot follow for an error.
	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err() // whatever cause the caller gave its end
		}
		return a, m.wrote(), err
	}
	defer func() { _ = resp.Body.Close() }()
	if m.stale.Load() {
		return a, true, errStale
	}
	if enough(resp.StatusCode) && resp.Body != http.NoBody { // the rest is not worth a worker's time, or a pause that comes late
		defer time.AfterFunc(drainTime, cancel).Stop()
	}
	var body []byte
	if resp.StatusCode >= 200 { // behind a 101 is no body, but an open connection
		body, err = io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	}
	return answer{resp.StatusCode, resp.Header, body, err}, true, nil
}
