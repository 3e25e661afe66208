package authcore

// Hold is why a user who has signed in is not let through to apps yet. An app
// does not learn of a user who is held.
type Hold string

// The holds, in the order in which they are lifted.
const (
	// HoldSecondFactor waits for the second factor of a sign-in; it is the
	// session's, not the account's.
	HoldSecondFactor Hold = "second_factor"
	// HoldConfirm waits for a proof that the address is the user's.
	HoldConfirm Hold = "confirm"
	// HoldApproval waits for an operator to accept the account.
	HoldApproval Hold = "approval"
	// HoldDeletion waits for the account to be deleted, or to be kept after all.
	HoldDeletion Hold = "deletion"
)

// Hold returns what holds the user, or nothing.
func (u User) Hold() Hold {
	switch {
	case !u.DeletionAt.IsZero():
		return HoldDeletion
	case !u.EmailVerified():
		return HoldConfirm
	case !u.AwaitsApprovalSince.IsZero():
		return HoldApproval
	default:
		return ""
	}
}
