package org

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"golang.org/x/text/unicode/norm"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/events"
)

// NewOrg is an organization that somebody asks for.
type NewOrg struct {
	Name string
	// Slug is made from the name when it is empty.
	Slug string
	// Owner is the id of the first owner, when an operator asks; a user who asks
	// becomes it.
	Owner string
}

// Create makes an organization. The session of a user who asks acts in it from
// then on.
func (s *Service) Create(ctx context.Context, a Actor, in NewOrg) (Org, error) {
	if a.Live != nil {
		if !s.MayCreate(&a.Live.Identity) {
			return Org{}, ErrForbidden
		}
		in.Owner = a.userID()
	}
	name, err := cleanName(in.Name)
	if err != nil {
		return Org{}, err
	}
	now := s.Clock().UTC().Truncate(time.Microsecond) // as it is stored
	o := Org{ID: uuid.Must(uuid.NewV7()).String(), Name: name, CreatedAt: now, UpdatedAt: now}
	if o, err = s.store(ctx, a, o, in); err != nil {
		return Org{}, err
	}
	s.Events.Emit(events.OrgCreated, map[string]any{"org_id": o.ID, "user_id": in.Owner})
	if err := s.Accounts.Refresh(ctx, in.Owner); err != nil || a.Live == nil {
		return o, err
	}
	_, err = s.Switch(ctx, a.Live, o.Slug, a.Client)
	return o, err
}

const (
	// slugTries bounds how many slugs are tried for a name whose first is taken.
	slugTries = 20
	// numberSize is the length of what is added to a slug that is taken.
	numberSize = 9
)

// store stores a new organization under the slug that was asked for, or under the
// first free one that is made from its name.
func (s *Service) store(ctx context.Context, a Actor, o Org, in NewOrg) (Org, error) {
	wished := strings.TrimSpace(in.Slug)
	if wished != "" && !s.validSlug(wished) {
		return o, invalid("slug", ProblemSlug)
	}
	for try := range slugTries {
		if o.Slug = wished; wished == "" {
			o.Slug = s.slugOf(o.Name, try)
		}
		err := s.insert(ctx, a, o, in.Owner)
		if !errors.Is(err, authcore.ErrConflict) {
			return o, err
		}
		if wished != "" {
			break
		}
	}
	return o, invalid("slug", ProblemSlugUsed)
}

func (s *Service) insert(ctx context.Context, a Actor, o Org, owner string) error {
	refresh, err := account.RefreshSessions(s.Sealer, owner, s.Clock())
	if err != nil {
		return err
	}
	event := s.event(audit.OrgCreate, a, o.ID).Of(owner).With("slug", o.Slug).With("name", o.Name)
	if err := s.Orgs.Create(ctx, o, owner, s.Config.Roles.Owner(), s.owners(a).MaxOwned, event, refresh); err != nil {
		return fmt.Errorf("creating organization: %w", err)
	}
	return nil
}

// cleanName returns the name of an organization as it is kept.
func cleanName(raw string) (string, error) {
	name := account.CleanLine(raw)
	switch {
	case name == "":
		return "", invalid("name", account.ProblemRequired)
	case utf8.RuneCountInString(name) > maxName:
		return "", invalid("name", account.ProblemNameTooLong)
	case hasLink(name):
		return "", invalid("name", ProblemNameLink)
	}
	return name, nil
}

// validSlug reports whether somebody may take a slug. Whoever took that of
// somebody's personal workspace would keep them from having one.
func (s *Service) validSlug(slug string) bool {
	id, personal := strings.CutPrefix(slug, personalPrefix)
	return ValidSlug(slug) && !slices.Contains(s.Config.Reserved, slug) && !(personal && uuid.Validate(id) == nil)
}

// undecomposed are letters that Unicode does not take apart.
var undecomposed = strings.NewReplacer("ß", "ss", "æ", "ae", "œ", "oe", "ø", "o", "ł", "l", "đ", "d", "ð", "d", "þ", "th", "ı", "i")

// slugOf makes a slug of a name: its letters and digits in ASCII, and a number
// after the first try, which is random in the last. What is too short or reserved
// gets a number too.
func (s *Service) slugOf(name string, try int) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(undecomposed.Replace(strings.ToLower(name))) {
		switch {
		case r < utf8.RuneSelf && (unicode.IsLower(r) || unicode.IsDigit(r)):
			b.WriteRune(r)
		case unicode.Is(unicode.Mn, r): // an accent
		default:
			b.WriteByte('-')
		}
	}
	slug := strings.Join(strings.FieldsFunc(b.String(), func(r rune) bool { return r == '-' }), "-")
	if slug == "" || !unicode.IsLower(rune(slug[0])) {
		slug = "org-" + slug
	}
	slug = strings.Trim(slug[:min(len(slug), maxSlug-numberSize)], "-")
	switch {
	case try == slugTries-1:
		slug += "-" + strings.ToLower(rand.Text()[:numberSize-1])
	case try > 0 || !s.validSlug(slug):
		slug += "-" + strconv.Itoa(try+1)
	}
	return slug
}
