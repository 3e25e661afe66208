package caddymodule

import (
	"bytes"
	"cmp"
	"fmt"
	"strconv"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/profile"
)

// ProfileField is something that users are asked for.
type ProfileField struct {
	// Name is that of the form's field: a to z, 0 to 9 and _.
	Name string `json:"name"`
	// Type is text, number, date, url, tel or choice. Default: text.
	Type string `json:"type,omitempty"`
	// Options are the values of a choice.
	Options []string `json:"options,omitempty"`
	// Label is shown to users. Default: the name.
	Label string `json:"label,omitempty"`
	// Required refuses an empty value.
	Required bool `json:"required,omitempty"`
	// Max is the longest value, in characters. Default: 100.
	Max int `json:"max,omitempty"`
	// Header tells apps the value in a header of this name. Default: none.
	Header string `json:"header,omitempty"`
	// Claim tells apps the value in the assertion, as a claim of the field's
	// name.
	Claim bool `json:"claim,omitempty"`
}

// profileFields returns what the pages ask for.
func (a *App) profileFields() profile.Fields {
	fields := make(profile.Fields, len(a.ProfileFields))
	for i, f := range a.ProfileFields {
		fields[i] = profile.Field{
			Name: f.Name, Type: profile.Type(cmp.Or(f.Type, string(profile.Text))), Label: f.Label,
			Required: f.Required, Max: f.Max, Options: f.Options,
		}
	}
	return fields
}

// fieldHeaders returns the headers that carry profile fields.
func (a *App) fieldHeaders() (names []string) {
	for _, f := range a.ProfileFields {
		if f.Header != "" {
			names = append(names, f.Header)
		}
	}
	return names
}

// profileHeaders returns the headers with the names of their fields.
func (a *App) profileHeaders() (headers []customField) {
	for _, f := range a.ProfileFields {
		if f.Header != "" {
			headers = append(headers, customField{name: wireName(f.Header), value: f.Name})
		}
	}
	return headers
}

// profileClaims returns what the assertion of an identity tells beyond the
// usual claims.
func (a *App) profileClaims(id *authcore.Identity) map[string]string {
	claims := make(map[string]string)
	for _, f := range a.ProfileFields {
		if value := id.Profile[f.Name]; f.Claim && value != "" {
			claims[f.Name] = value
		}
	}
	return claims
}

// validateFields checks the profile fields: their headers must be those of
// nothing else, or an app could take what a user says for who the user is.
func (a *App) validateFields() error {
	known := newNameSet()
	for _, f := range a.ProfileFields {
		if f.Header == "" {
			continue
		}
		if err := validateField(f.Header); err != nil {
			return fmt.Errorf("profile_field %s: %w", f.Name, err)
		}
		if known.has(f.Header) {
			return fmt.Errorf("profile_field %s: the header %s tells something else already", f.Name, f.Header)
		}
		known.add(f.Header)
	}
	return a.profileFields().Validate()
}

// clashingField returns the profile field whose header is one of the names in any
// spelling, and that name; the field is empty when there is none.
func (a *App) clashingField(names []string) (field, name string) {
	for _, f := range a.ProfileFields {
		for _, name := range names {
			if f.Header != "" && bytes.Equal(appendFolded(nil, f.Header), appendFolded(nil, name)) {
				return f.Name, name
			}
		}
	}
	return "", ""
}

// parseField reads `profile_field <name> { ... }`.
func (a *App) parseField(d *caddyfile.Dispenser) error {
	var f ProfileField
	if !d.AllArgs(&f.Name) {
		return d.ArgErr()
	}
	err := eachOption(d, options{
		"type":     f.parseType,
		"label":    textOption(&f.Label),
		"required": flagOption(&f.Required),
		"claim":    flagOption(&f.Claim),
		"header":   textOption(&f.Header),
		"max": func(d *caddyfile.Dispenser) error {
			var text string
			if !d.AllArgs(&text) {
				return d.ArgErr()
			}
			var err error
			if f.Max, err = strconv.Atoi(text); err != nil || f.Max < 1 {
				return d.Errf("max: %q is no number of characters", text)
			}
			return nil
		},
	})
	a.ProfileFields = append(a.ProfileFields, f)
	return err
}

// parseType reads `type <type>`, and `type choice <options...>`.
func (f *ProfileField) parseType(d *caddyfile.Dispenser) error {
	args := d.RemainingArgs()
	if len(args) == 0 {
		return d.ArgErr()
	}
	f.Type = args[0]
	if f.Type == string(profile.Choice) {
		f.Options = args[1:]
		return nil
	}
	if len(args) > 1 {
		return d.ArgErr()
	}
	return nil
}
