// Chi, along the six steps of the Backend Integration page.
package main

import (
	"log"
	"net/http"
	"os"

	"compat/releases"
	"compat/routes"

	"github.com/go-chi/chi"
	"github.com/go-chi/cors"
	"github.com/supertokens/supertokens-golang/recipe/session"
	"github.com/supertokens/supertokens-golang/supertokens"
)

const websiteDomain = "http://localhost:3000"

func main() {
	// step 2: initialise
	apiBasePath := "/auth"
	websiteBasePath := "/auth"
	telemetry := false
	err := supertokens.Init(supertokens.TypeInput{
		Supertokens: &supertokens.ConnectionInfo{
			ConnectionURI: os.Getenv("CORE_URL"),
			APIKey:        os.Getenv("API_KEY"),
		},
		AppInfo: supertokens.AppInfo{
			AppName:         "compat",
			APIDomain:       "http://localhost:" + os.Getenv("PORT"),
			WebsiteDomain:   websiteDomain,
			APIBasePath:     &apiBasePath,
			WebsiteBasePath: &websiteBasePath,
		},
		RecipeList: []supertokens.Recipe{session.Init(nil)},
		Telemetry:  &telemetry,
	})
	if err != nil {
		log.Fatal(err)
	}

	// step 3: CORS, then the SuperTokens APIs; step 4: the middleware and VerifySession answer the SDK's errors
	r := chi.NewRouter()
	r.Use(cors.Handler(cors.Options{
		AllowedOrigins:   []string{websiteDomain},
		AllowedMethods:   []string{"GET", "POST", "PUT", "DELETE", "OPTIONS"},
		AllowedHeaders:   append([]string{"Content-Type"}, supertokens.GetAllCORSHeaders()...),
		AllowCredentials: true,
	}))
	r.Use(supertokens.Middleware)

	r.Post("/login", routes.Login)

	// step 5: routes that need a session
	r.Get("/session", session.VerifySession(nil, sessionInfo))
	r.Get("/session-checked", session.VerifySession(releases.Checked, sessionInfo))
	r.Get("/optional", session.VerifySession(releases.NoSession, routes.Optional))
	r.Post("/merge", session.VerifySession(nil, routes.Merge))
	r.Get("/claim", session.VerifySession(releases.OnlyAdmins, routes.Claim))

	releases.Serve(r)
}

func sessionInfo(w http.ResponseWriter, r *http.Request) {
	sessionContainer := session.GetSessionFromRequestContext(r.Context())
	routes.Answer(w, map[string]interface{}{
		"userId":  sessionContainer.GetUserID(),
		"handle":  sessionContainer.GetHandle(),
		"payload": sessionContainer.GetAccessTokenPayload(),
	})
}
