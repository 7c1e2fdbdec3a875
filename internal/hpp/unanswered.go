package hpp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"

	"hppsend/pipeline"
)

var errStale = errors.New("what came was an answer to an earlier call")

// unanswered judges a call to which no status line came. Only the bytes written decide; the error
// merely explains.
func (c *Client) unanswered(wrote bool, err error) pipeline.Reply {
	if !wrote {
		return pipeline.Reply{
			Verdict: pipeline.Unavailable, Code: pipeline.CodeUnavailable, Reason: "not sent: " + c.unsent(err),
		}
	}
	return pipeline.Reply{
		Verdict: pipeline.Unclear, Code: pipeline.CodeNoClearAnswer,
		Reason: "the call was made and no clear answer came: " + c.unclear(err),
	}
}

// unsent says why nothing was written. It quotes no error it does not know: the words may hold the
// URL of a proxy with its password.
func (c *Client) unsent(err error) string {
	var (
		dns       *net.DNSError
		proxy     *proxyError
		op        *net.OpError
		name      x509.HostnameError
		authority x509.UnknownAuthorityError
		invalid   x509.CertificateInvalidError
		record    tls.RecordHeaderError
	)
	where := c.host
	if errors.As(err, &op) && op.Op == "proxyconnect" {
		where = "the proxy"
	}
	switch {
	case errors.Is(err, context.Canceled):
		return "given up before the call went out"
	case errors.As(err, &proxy):
		return fmt.Sprintf("the proxy did not open the way to %s (HTTP %d)", c.host, proxy.status)
	case errors.As(err, &dns):
		return fmt.Sprintf("the name of %s could not be resolved (DNS)", where)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Sprintf("%s refused the connection", where)
	case errors.As(err, &name):
		return fmt.Sprintf("the certificate is not for %s (TLS)", where)
	case errors.As(err, &authority):
		return fmt.Sprintf("the certificate of %s is from an authority not known here (TLS); see --ca-file", where)
	case errors.As(err, &invalid):
		return fmt.Sprintf("the certificate of %s is not valid (TLS): %s", where, invalid.Error())
	case errors.As(err, &record):
		return fmt.Sprintf("%s does not speak TLS", where)
	case op != nil && op.Op == "remote error": // how crypto/tls names an alert
		return fmt.Sprintf("%s broke off the TLS handshake: %v", where, op.Err)
	case timedOut(err):
		return fmt.Sprintf("%s could not be reached in time", where)
	case op != nil && op.Op == "dial":
		return fmt.Sprintf("%s could not be reached", where)
	}
	return fmt.Sprintf("the connection to %s was lost before a byte went out", where)
}

// unclear says why no answer was had.
func (c *Client) unclear(err error) string {
	switch {
	case errors.Is(err, context.Canceled):
		return "it was given up"
	case timedOut(err):
		return "nothing came in time"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return fmt.Sprintf("%s reset the connection", c.host)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return fmt.Sprintf("%s closed the connection", c.host)
	}
	return err.Error()
}

func timedOut(err error) bool {
	var t net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &t) && t.Timeout()
}
