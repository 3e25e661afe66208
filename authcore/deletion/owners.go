package deletion

import (
	"context"
	"fmt"
	"strings"

	"github.com/sigra-auth/sigra/authcore"
)

// Orgs tells which organizations would be left without an owner; *org.Service
// does.
type Orgs interface {
	// OwnedAlone returns the organizations that have other members and no other
	// owner than the user.
	OwnedAlone(ctx context.Context, userID string) ([]authcore.Org, error)
}

// SoleOwnerError says that other members of organizations would be left without
// an owner: the organizations must be passed on, or deleted, first.
type SoleOwnerError struct {
	// Orgs are ordered by slug.
	Orgs []authcore.Org
}

func (e *SoleOwnerError) Error() string {
	slugs := make([]string, len(e.Orgs))
	for i, o := range e.Orgs {
		slugs[i] = o.Slug
	}
	return "the account is the only owner of " + strings.Join(slugs, ", ") + ": make another member owner first"
}

// checkOwners fails with *SoleOwnerError while an organization needs a user.
func (s *Service) checkOwners(ctx context.Context, userID string) error {
	orgs, err := s.Orgs.OwnedAlone(ctx, userID)
	if err != nil {
		return fmt.Errorf("looking for other owners: %w", err)
	}
	if len(orgs) > 0 {
		return &SoleOwnerError{orgs}
	}
	return nil
}
