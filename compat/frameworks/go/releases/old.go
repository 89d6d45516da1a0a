//go:build old

package releases

import (
	"net/http"

	"github.com/supertokens/supertokens-golang/recipe/session"
	"github.com/supertokens/supertokens-golang/recipe/session/sessmodels"
	"github.com/supertokens/supertokens-golang/supertokens"
)

// Checked is a plain session: 0.9 asks the core whether it is still there when the core says so (access_token_blacklisting).
var Checked *sessmodels.VerifySessionOptions

// CreateSession makes a session; 0.9 knows no tenants.
func CreateSession(_ *http.Request, w http.ResponseWriter, userID string, payload map[string]interface{}) (sessmodels.SessionContainer, error) {
	return session.CreateNewSession(w, userID, payload, nil)
}

func noValue(_ string, _ supertokens.UserContext) (interface{}, error) { return nil, nil }
