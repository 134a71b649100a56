package wainwright;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class ProfileTest {
    @Test
    void theLibraryLosesNothingOfIt() throws Exception {
        assertEquals(Profile.json().get("capabilities"), Profile.GSON.toJsonTree(Profile.read().getCapabilities()));
    }
}
