; The setup for one person: no administrator, no question that has to be answered.
;   makensis -NOCD -DVERSION=0.1.0 -DPAYLOAD=dist/alcove -DICON=build/icon/alcove.ico -DOUT=dist/alcove-0.1.0-x64-setup.exe \
;       installers/windows/alcove.nsi
;   setup /S [/NODESKTOP] [/D=C:\folder]        uninstall /S
; Exit status: 0 done · 1 cancelled by the person · 2 not done, for a reason that the window says (without /S)
Unicode true
ManifestDPIAware true
ManifestSupportedOS Win10
SetCompressor /SOLID lzma
RequestExecutionLevel user
Name "Alcove"
OutFile "${OUT}"
InstallDir "$LOCALAPPDATA\Programs\Alcove"
InstallDirRegKey HKCU "Software\Alcove" "InstallDir"
BrandingText "Alcove ${VERSION}"
Icon "${ICON}"
UninstallIcon "${ICON}"
VIProductVersion "${VERSION}.0"
VIAddVersionKey "ProductName" "Alcove"
VIAddVersionKey "ProductVersion" "${VERSION}"
VIAddVersionKey "FileVersion" "${VERSION}"
VIAddVersionKey "FileDescription" "Alcove setup"
VIAddVersionKey "CompanyName" "The Alcove contributors"
VIAddVersionKey "LegalCopyright" "Apache License 2.0"

!include FileFunc.nsh
!include LogicLib.nsh
!include WordFunc.nsh
!include x64.nsh
!define UNINSTALL "Software\Microsoft\Windows\CurrentVersion\Uninstall\Alcove"
!define PATHS "Software\Microsoft\Windows\CurrentVersion\App Paths\alcove.exe"
!define CLASSES "Software\Classes"

Page directory
Page instfiles
UninstPage uninstConfirm
UninstPage instfiles

; A program that runs cannot be opened for writing.
!macro StopWhileRunning UN
Function ${UN}StopIfOpen
  Pop $0
  IfFileExists "$0" 0 free
  ClearErrors
  FileOpen $1 "$0" a
  IfErrors 0 close
    MessageBox MB_OK|MB_ICONEXCLAMATION "Alcove is open. Close it and start again; nothing was changed." /SD IDOK
    SetErrorLevel 2
    Quit
  close: FileClose $1
  free:
FunctionEnd
Function ${UN}StopWhileRunning
  Push "$INSTDIR\alcove.exe"
  Call ${UN}StopIfOpen
  Push "$INSTDIR\alcovew.exe"
  Call ${UN}StopIfOpen
FunctionEnd
!macroend
!insertmacro StopWhileRunning ""
!insertmacro StopWhileRunning "un."

Function .onInit
  ${IfNot} ${RunningX64}
    MessageBox MB_OK|MB_ICONSTOP "Alcove needs Windows 10 or newer, 64-bit." /SD IDOK
    SetErrorLevel 2
    Quit
  ${EndIf}
  ReadRegStr $0 HKCU "${UNINSTALL}" "DisplayVersion"
  ${VersionCompare} "$0" "${VERSION}" $1
  ${If} $1 == 1
    MessageBox MB_OK|MB_ICONEXCLAMATION "A newer version of Alcove is installed already, so nothing was changed. To go back, remove the newer one first." /SD IDOK
    SetErrorLevel 2
    Quit
  ${EndIf}
FunctionEnd

Section
  Call StopWhileRunning
  ${DirState} "$INSTDIR" $0
  ${If} $0 == 1
  ${AndIfNot} ${FileExists} "$INSTDIR\alcove.exe"
    ; The folder becomes Alcove's own, and goes with it.
    MessageBox MB_OK|MB_ICONEXCLAMATION "$INSTDIR holds other files. Choose an empty folder; nothing was changed." /SD IDOK
    SetErrorLevel 2
    Quit
  ${EndIf}
  RMDir /r "$INSTDIR\_internal" ; else files of an older version would stay beside the new ones
  SetOutPath "$INSTDIR"
  ClearErrors
  File /r "${PAYLOAD}/*"
  ${If} ${Errors}
    MessageBox MB_OK|MB_ICONSTOP "The files could not be written to $INSTDIR." /SD IDOK
    SetErrorLevel 2
    Quit
  ${EndIf}
  WriteUninstaller "$INSTDIR\uninstall.exe"

  CreateShortcut "$SMPROGRAMS\Alcove.lnk" "$INSTDIR\alcovew.exe" "" "" "" "" "" "A private AI chat on your own computer"
  ${GetParameters} $0
  ClearErrors
  ${GetOptions} "$0" "/NODESKTOP" $1
  ${If} ${Errors}
    CreateShortcut "$DESKTOP\Alcove.lnk" "$INSTDIR\alcovew.exe" "" "" "" "" "" "A private AI chat on your own computer"
  ${EndIf}

  WriteRegStr HKCU "Software\Alcove" "InstallDir" "$INSTDIR"
  WriteRegStr HKCU "Software\Alcove" "Version" "${VERSION}"
  WriteRegStr HKCU "${PATHS}" "" "$INSTDIR\alcove.exe"
  WriteRegStr HKCU "${CLASSES}\Alcove.Model" "" "AI model (GGUF)"
  WriteRegStr HKCU "${CLASSES}\Alcove.Model\DefaultIcon" "" "$INSTDIR\alcovew.exe,0"
  WriteRegStr HKCU "${CLASSES}\Alcove.Model\shell\open\command" "" '"$INSTDIR\alcovew.exe" "%1"'
  WriteRegStr HKCU "${CLASSES}\.gguf\OpenWithProgids" "Alcove.Model" ""

  WriteRegStr HKCU "${UNINSTALL}" "DisplayName" "Alcove"
  WriteRegStr HKCU "${UNINSTALL}" "DisplayVersion" "${VERSION}"
  WriteRegStr HKCU "${UNINSTALL}" "DisplayIcon" "$INSTDIR\alcovew.exe"
  WriteRegStr HKCU "${UNINSTALL}" "Publisher" "The Alcove contributors"
  WriteRegStr HKCU "${UNINSTALL}" "InstallLocation" "$INSTDIR"
  WriteRegStr HKCU "${UNINSTALL}" "UninstallString" '"$INSTDIR\uninstall.exe"'
  WriteRegStr HKCU "${UNINSTALL}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /S'
  WriteRegDWORD HKCU "${UNINSTALL}" "NoModify" 1
  WriteRegDWORD HKCU "${UNINSTALL}" "NoRepair" 1
  ${GetSize} "$INSTDIR" "/S=0K" $0 $1 $2
  WriteRegDWORD HKCU "${UNINSTALL}" "EstimatedSize" $0
SectionEnd

; Removes what was installed. Chats, settings and downloaded models are elsewhere and stay; so does a file that someone else
; put into the folder.
Section un.
  Call un.StopWhileRunning
  RMDir /r "$INSTDIR\_internal"
  RMDir /r "$INSTDIR\models"
  Delete "$INSTDIR\alcove.exe"
  Delete "$INSTDIR\alcovew.exe"
  Delete "$INSTDIR\uninstall.exe"
  RMDir "$INSTDIR"
  Delete "$SMPROGRAMS\Alcove.lnk"
  Delete "$DESKTOP\Alcove.lnk"
  DeleteRegKey HKCU "${UNINSTALL}"
  DeleteRegKey HKCU "${PATHS}"
  DeleteRegKey HKCU "${CLASSES}\Alcove.Model"
  DeleteRegValue HKCU "${CLASSES}\.gguf\OpenWithProgids" "Alcove.Model"
  DeleteRegKey /ifempty HKCU "${CLASSES}\.gguf\OpenWithProgids"
  DeleteRegKey /ifempty HKCU "${CLASSES}\.gguf"
  DeleteRegValue HKCU "Software\Alcove" "InstallDir"
  DeleteRegValue HKCU "Software\Alcove" "Version"
  DeleteRegKey /ifempty HKCU "Software\Alcove"
SectionEnd
