package ledger

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"hppsend/pipeline"
)

// digestVersion is the first byte of every digest, so that another kind can come later.
const digestVersion = 1

// secret is the key of the digests. It lies beside the database, so that a copy of the database alone
// tells nothing about the contacts.
type secret struct{ macs sync.Pool }

func keyed(key []byte) *secret {
	return &secret{sync.Pool{New: func() any { return hmac.New(sha256.New, key) }}}
}

// digest stands for a contact, in the form in which contacts compare.
func (s *secret) digest(contact string) pipeline.Digest {
	mac := s.macs.Get().(hash.Hash)
	defer s.macs.Put(mac)
	mac.Reset()
	io.WriteString(mac, pipeline.CanonicalContact(contact))
	d := pipeline.Digest{digestVersion}
	copy(d[1:], mac.Sum(nil))
	return d
}

// derive gives a key of 32 bytes. What it is made of is the digest of no contact: it has two lines.
func (s *secret) derive(name string) []byte {
	mac := s.macs.Get().(hash.Hash)
	defer s.macs.Put(mac)
	mac.Reset()
	io.WriteString(mac, name)
	return mac.Sum(nil)
}

// check is what the database keeps to know its secret by.
func (s *secret) check() []byte {
	d := s.digest("hppsend ledger secret check")
	return d[:]
}

func secretPath(ledger string) string { return ledger + ".secret" }

func newSecretPath(ledger string) string { return ledger + ".secret.new" }

// settleSecret gives the secret of a ledger that is made its name.
func settleSecret(ledger string) error {
	if err := os.Rename(newSecretPath(ledger), secretPath(ledger)); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(ledger))
}

func readSecret(path string) (*secret, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	key, err := parseSecret(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s does not hold a ledger's secret", path)
	}
	return key, nil
}

// parseSecret reads a secret as its file has it.
func parseSecret(text string) (*secret, error) {
	key, err := hex.DecodeString(strings.TrimSpace(text))
	if err == nil && len(key) != 32 {
		err = errors.New("it has not 32 bytes")
	}
	if err != nil {
		return nil, err
	}
	return keyed(key), nil
}

// drawSecret makes a secret, and gives it as its file has it.
func drawSecret() (text string, key *secret) {
	random := make([]byte, 32)
	rand.Read(random)
	return hex.EncodeToString(random) + "\n", keyed(random)
}

// newSecret makes a secret and has it on disk before the first digest can be.
func newSecret(path string) (*secret, error) {
	text, key := drawSecret()
	return key, writeSecret(path, text)
}

// writeSecret writes a secret to a file that is not there.
func writeSecret(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.WriteString(f, text)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		os.Remove(path)
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// syncFolder makes new names in a folder durable, where the system can.
func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	d.Sync() // not every file system and system has it
	return nil
}
