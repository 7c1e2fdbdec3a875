package web

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"hppsend/internal/desk"
)

// Provider is an identity provider that people sign in with.
type Provider struct {
	Name   string // for people
	Groups string // the claim that names a person's groups; empty: roles are given here
	// Roles gives the roles by account of who is in some groups.
	Roles func(groups []string) map[string][]desk.Role

	oauth    oauth2.Config
	verifier *oidc.IDTokenVerifier
}

// NewProvider asks the issuer for what it takes to sign in by it. Back is the address of ours that it returns to.
func NewProvider(ctx context.Context, issuer, client, secret, back string, scopes []string) (*Provider, error) {
	p, err := oidc.NewProvider(ctx, issuer)
	if err != nil {
		return nil, err
	}
	return &Provider{
		verifier: p.Verifier(&oidc.Config{ClientID: client}),
		oauth: oauth2.Config{
			ClientID: client, ClientSecret: secret, Endpoint: p.Endpoint(), RedirectURL: back,
			Scopes: append([]string{oidc.ScopeOpenID, "profile", "email"}, scopes...),
		},
	}, nil
}

// signin is one that is under way at a provider.
type signin struct{ Nonce, Verifier, To string }

// stateCookie binds a sign-in to the browser that began it.
const stateCookie = "hppsend-sign-in"

func (c *call) toProvider() error {
	if c.Provider == nil {
		return errNoPage
	}
	state := rand.Text()
	one := signin{Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), To: local(c.r.FormValue("to"))}
	text, err := json.Marshal(one)
	if err != nil {
		return err
	}
	if err := c.Desk.BeginSignin(c.ctx(), state, string(text)); err != nil {
		return err
	}
	http.SetCookie(c.w, &http.Cookie{
		Name: stateCookie, Value: state, Path: "/sign-in", MaxAge: int(desk.SigninTime.Seconds()), HttpOnly: true, Secure: c.secure(), SameSite: http.SameSiteLaxMode,
	})
	c.redirect(c.Provider.oauth.AuthCodeURL(state, oidc.Nonce(one.Nonce), oauth2.S256ChallengeOption(one.Verifier)))
	return nil
}

// providerTime is how long a provider may take to say who has signed in.
const providerTime = 20 * time.Second

var errSignIn = &desk.Refusal{Code: desk.Forbidden, Problem: "you could not be signed in", Todo: "try again; if it stays, tell whoever runs this server"}

func (c *call) fromProvider() error {
	if c.Provider == nil {
		return errNoPage
	}
	state := c.r.FormValue("state")
	cookie, err := c.r.Cookie(stateCookie)
	if err != nil || subtle.ConstantTimeCompare([]byte(cookie.Value), []byte(state)) != 1 {
		return errSignIn
	}
	text, ok, err := c.Desk.EndSignin(c.ctx(), state)
	var one signin
	if ok && err == nil {
		err = json.Unmarshal([]byte(text), &one)
	}
	if err != nil {
		return err
	}
	if !ok {
		return errSignIn
	}
	ctx, cancel := context.WithTimeout(c.ctx(), providerTime)
	defer cancel()
	person, err := c.Provider.person(ctx, c.Desk, c.r.FormValue("code"), one)
	if err != nil {
		c.Log.Warn("somebody could not be signed in by the identity provider", "error", masked(err))
		return errSignIn
	}
	if err := c.signIn(person); err != nil {
		return err
	}
	c.redirect(one.To)
	return nil
}

// person is who the provider says has signed in: by issuer and subject, never by an address, which may change hands.
func (p *Provider) person(ctx context.Context, d *desk.Desk, code string, one signin) (string, error) {
	token, err := p.oauth.Exchange(ctx, code, oauth2.VerifierOption(one.Verifier))
	if answer := (*oauth2.RetrieveError)(nil); errors.As(err, &answer) { // its text has all that the provider says
		return "", fmt.Errorf("the provider answered %s %s", answer.Response.Status, answer.ErrorCode)
	}
	if err != nil {
		return "", err
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return "", errors.New("the provider gave no id token")
	}
	id, err := p.verifier.Verify(ctx, raw)
	if err != nil {
		return "", err
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(one.Nonce)) != 1 {
		return "", errors.New("the provider's answer is to another question")
	}
	claims := map[string]any{}
	if err := id.Claims(&claims); err != nil {
		return "", err
	}
	text := func(names ...string) string {
		for _, name := range names {
			if s, ok := claims[name].(string); ok && s != "" {
				return s
			}
		}
		return ""
	}
	var given map[string][]desk.Role
	if p.Groups != "" {
		given = map[string][]desk.Role{}
		for account, roles := range p.Roles(groups(claims[p.Groups])) {
			given[account] = slices.Compact(slices.Sorted(slices.Values(roles)))
		}
	}
	return d.Known(ctx, id.Issuer, id.Subject, text("preferred_username", "email"), text("name"), given)
}

func groups(claim any) (names []string) {
	switch claim := claim.(type) {
	case string:
		return []string{claim}
	case []any:
		for _, one := range claim {
			if name, ok := one.(string); ok {
				names = append(names, name)
			}
		}
	}
	return names
}
