package sign

import (
	"bytes"
	"crypto/rsa"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"
)

// Namespace is what a signature has to be made for, so that one that somebody made for another program approves
// nothing: ssh-keygen -Y sign -n hppsend.
const Namespace = "hppsend"

// leastRSA is how many bits a key of RSA has at least.
const leastRSA = 2048

// Signed is who has signed.
type Signed struct {
	By  []string // the names that the key has, of lines that hold; one at least
	Key string   // its fingerprint, as ssh-keygen -l shows it

	people []string // all names that the key has
}

// Verify tells who has signed a text, by a signature as ssh-keygen -Y sign writes it. Its errors are of wrong usage and
// say what is wrong: that it is none, is of another text, for another program, or by a key that may not sign, or not now.
func (s *Signers) Verify(text, signature []byte, now time.Time) (Signed, error) {
	sig, err := sshsig.Unarmor(signature)
	if err != nil {
		return Signed{}, fault("it is no signature of ssh-keygen -Y sign")
	}
	key := sig.PublicKey
	by := Signed{Key: ssh.FingerprintSHA256(key)}
	switch {
	case !slices.Contains(kinds, key.Type()):
		return by, fault(fmt.Sprintf("it is by a key of type %s, which is not taken; a certificate is none", key.Type()))
	case sig.Namespace != Namespace:
		return by, fault(fmt.Sprintf("it is made for %q, and has to be for %q", sig.Namespace, Namespace))
	}
	if err := sshsig.Verify(bytes.NewReader(text), sig, key, sig.HashAlgorithm, Namespace); err != nil {
		return by, fault("it is not of this file: the file was changed since, or it is the signature of another")
	}
	if short(key) {
		return by, fault(fmt.Sprintf("its key of RSA has fewer than %d bits", leastRSA))
	}
	var why string
	for _, one := range s.all {
		if !bytes.Equal(one.key.Marshal(), key.Marshal()) {
			continue
		}
		by.people = append(by.people, one.people...)
		if reason := one.refuses(now); reason != "" {
			why = fmt.Sprintf("its key %s is that of %s, and %s (%s, line %d)", by.Key, strings.Join(one.people, ", "), reason, s.path, one.line)
			continue
		}
		by.By = append(by.By, one.people...)
	}
	switch {
	case len(by.By) > 0:
		return by, nil
	case why == "":
		why = fmt.Sprintf("its key %s is not in %s", by.Key, s.path)
	}
	return by, fault(why)
}

func fault(problem string) error {
	return usage(problem, "somebody who may has to sign it: ssh-keygen -Y sign -n "+Namespace+" -f KEY FILE")
}

// refuses says why a line does not let its key sign at a time; empty when it does.
func (s signer) refuses(now time.Time) string {
	switch {
	case s.namespaces != "" && !matches(s.namespaces, Namespace):
		return fmt.Sprintf("signs for %s only", s.namespaces)
	case !s.after.IsZero() && now.Before(s.after):
		return "is not valid before " + s.after.Format("2006-01-02 15:04 MST")
	case !s.before.IsZero() && now.After(s.before):
		return "was valid until " + s.before.Format("2006-01-02 15:04 MST")
	}
	return ""
}

func short(key ssh.PublicKey) bool {
	crypto, ok := key.(ssh.CryptoPublicKey)
	if !ok {
		return false
	}
	rsaKey, ok := crypto.CryptoPublicKey().(*rsa.PublicKey)
	return ok && rsaKey.N.BitLen() < leastRSA
}

// Is reports whether somebody has one of the names of the key that has signed, whether that name may sign or not. Case
// does not tell names apart, nor does what stands behind an @ where one of them has none: the user anna of a machine is
// anna@example.com.
func (s Signed) Is(name string) bool {
	return slices.ContainsFunc(s.people, func(other string) bool { return sameName(name, other) })
}

func sameName(a, b string) bool {
	a, b = strings.ToLower(strings.TrimSpace(a)), strings.ToLower(strings.TrimSpace(b))
	localA, domainA, _ := strings.Cut(a, "@")
	localB, domainB, _ := strings.Cut(b, "@")
	return localA == localB && (domainA == domainB || domainA == "" || domainB == "")
}
