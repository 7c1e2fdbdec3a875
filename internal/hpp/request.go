package hpp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"hppsend/pipeline"
)

// maxSession is far above a UUID and far below what a server takes in a request line.
const maxSession = 256

// payload is the documented body, its fields in the documented order.
type payload struct {
	ContactInformation struct {
		Phone        string `json:"phone,omitempty"`
		PhoneCountry string `json:"phone_country,omitempty"`
		Email        string `json:"email,omitempty"`
	} `json:"contact_information"`
	Method pipeline.Method `json:"method"`
}

// newRequest makes the documented call. It must reach the socket at most once: GetBody is nil, so
// that the transport, which takes a POST without it for not repeatable, never sends it again after
// a connection was lost.
func (c *Client) newRequest(ctx context.Context, d pipeline.Distribution) (*http.Request, error) {
	body, err := encode(d)
	if err != nil {
		return nil, err
	}
	u := c.endpoint + pathBefore + url.PathEscape(d.Session) + pathAfter
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u, io.NopCloser(bytes.NewReader(body)))
	if err != nil {
		return nil, err
	}
	req.GetBody = nil
	req.ContentLength = int64(len(body))
	req.Header = c.header // shared: a RoundTripper must not change it
	return req, nil
}

func encode(d pipeline.Distribution) ([]byte, error) {
	p := payload{Method: d.Method}
	switch d.Method {
	case pipeline.SMS:
		p.ContactInformation.Phone, p.ContactInformation.PhoneCountry = d.Contact, d.Country
	case pipeline.Email:
		p.ContactInformation.Email = d.Contact
	}
	return json.Marshal(p)
}

// check finds what must not be made into a request. Package pipeline refuses such rows before; this
// is the last gate before the wire.
func check(d pipeline.Distribution) (code string, err error) {
	if err := checkSession(d.Session); err != nil {
		return pipeline.CodeBadSession, err
	}
	if d.Method != pipeline.SMS && d.Method != pipeline.Email {
		return pipeline.CodeBadMethod, errors.New("the method is neither sms nor email")
	}
	if d.Contact == "" {
		return pipeline.CodeMissingContact, errors.New("there is no contact to send to")
	}
	return "", nil
}

// checkSession refuses what could make another path of the call's, here or in a proxy that decodes
// paths before it forwards them.
func checkSession(id string) error {
	switch {
	case id == "":
		return errors.New("the session id is empty")
	case len(id) > maxSession:
		return errors.New("the session id is too long to be one")
	case id == "." || id == "..", strings.ContainsAny(id, `/\%`), !utf8.ValidString(id),
		strings.ContainsFunc(id, func(r rune) bool { return !unicode.IsPrint(r) }):
		return errors.New("the session id holds characters that would change the address of the call")
	}
	return nil
}
