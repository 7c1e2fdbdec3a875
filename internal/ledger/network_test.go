package ledger

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"hppsend/pipeline"
)

func TestNetworkFileSystemsAreRefused(t *testing.T) {
	if kind, err := networked(t.TempDir()); err != nil || kind != "" {
		t.Fatalf("the folder of tests is on %q, %v", kind, err)
	}
	onNetwork = func(string) (string, error) { return "NFS", nil }
	defer func() { onNetwork = networked }()
	opt := Options{Path: filepath.Join(t.TempDir(), "ledger.db"), Environment: "sandbox", Create: true}
	_, err := Open(t.Context(), opt)

	if !errors.Is(err, pipeline.Usage) || !strings.Contains(err.Error(), "network file system (NFS)") || !strings.Contains(pipeline.Hint(err), "--network-ledger") {
		t.Fatalf("got %v", err)
	}
	opt.Network = true
	l, err := Open(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	l.Close()

	onNetwork = func(string) (string, error) { return "", errors.New("no answer") }
	if _, err := Open(t.Context(), opt); err == nil {
		t.Error("a file system that does not tell what it is was taken")
	}
}
