package hpp

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"hppsend/pipeline"
)

func TestUnansweredIsJudgedByBytesAlone(t *testing.T) {
	c := &Client{host: "hpp.example.com"}
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	for _, x := range []struct {
		err             error
		unsent, unclear string
	}{
		{dial(&net.DNSError{Err: "no such host", Name: "hpp.example.com", IsNotFound: true}), "(DNS)", ""},
		{&net.OpError{Op: "proxyconnect", Err: dial(&net.DNSError{Name: "proxy"})}, "name of the proxy", ""},
		{dial(os.NewSyscallError("connect", syscall.ECONNREFUSED)), "hpp.example.com refused", ""},
		{dial(os.NewSyscallError("connect", syscall.EHOSTUNREACH)), "could not be reached", ""},
		{dial(os.ErrDeadlineExceeded), "in time", "in time"},
		{context.DeadlineExceeded, "in time", "in time"},
		{fmt.Errorf("wrapped: %w", context.Canceled), "given up", "given up"},
		{x509.CertificateInvalidError{Cert: &x509.Certificate{}, Reason: x509.Expired}, "expired", ""},
		{os.NewSyscallError("write", syscall.EPIPE), "before a byte", "reset"},
		{os.NewSyscallError("read", syscall.ECONNRESET), "before a byte", "reset"},
		{io.ErrUnexpectedEOF, "before a byte", "closed"},
		{net.ErrClosed, "before a byte", "closed"},
		{errors.New("refused before a byte"), "before a byte", "refused before a byte"},
	} {
		r := c.unanswered(false, x.err)
		if r.Verdict != pipeline.Unavailable || r.Code != "unavailable" || !strings.Contains(r.Reason, x.unsent) {
			t.Errorf("%v, nothing written: got %+v, want %q", x.err, r, x.unsent)
		}
		r = c.unanswered(true, x.err)
		if r.Verdict != pipeline.Unclear || r.Code != "no_clear_answer" || !strings.Contains(r.Reason, x.unclear) {
			t.Errorf("%v, bytes written: got %+v, want %q", x.err, r, x.unclear)
		}
	}
}
