//go:build !old

package releases

import (
	"net/http"

	"github.com/supertokens/supertokens-golang/recipe/session"
	"github.com/supertokens/supertokens-golang/recipe/session/sessmodels"
	"github.com/supertokens/supertokens-golang/supertokens"
)

var yes = true

// Checked asks the core whether the session is still there.
var Checked = &sessmodels.VerifySessionOptions{CheckDatabase: &yes}

// CreateSession makes a session in the default tenant.
func CreateSession(r *http.Request, w http.ResponseWriter, userID string, payload map[string]interface{}) (sessmodels.SessionContainer, error) {
	return session.CreateNewSession(r, w, "public", userID, payload, nil)
}

func noValue(_, _ string, _ supertokens.UserContext) (interface{}, error) { return nil, nil }
